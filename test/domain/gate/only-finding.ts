import { expect } from '@jest/globals';
import type { Evidence } from '../../../domain/gate/evidence.ts';
import { decide, type Finding } from '../../../domain/gate/gate.ts';
import type { Rule } from '../../../domain/spec/gate-rules.ts';

export const onlyFinding = (rule: Rule, evidence: Evidence): Finding => {
  const { findings } = decide([rule], evidence);
  expect(findings).toHaveLength(1);
  return findings[0] as Finding;
};

export type Directed = Extract<Rule, { byAtLeast: number }>['metric'];
