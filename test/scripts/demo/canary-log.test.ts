import { expect, test } from '@jest/globals';
import type { LiveFinding } from '../../../domain/endpoint/canary.ts';
import type { RollOutStatus } from '../../../domain/endpoint/roll-out.ts';
import { CanaryLog } from '../../../scripts/demo/canary-log.ts';

const finding = (rule: string): LiveFinding => ({ rule, passed: true, finding: 'fine' });
const at = (step: RollOutStatus['step'], change: Partial<RollOutStatus> = {}): { rollingOut: RollOutStatus } => ({
  rollingOut: {
    request: { id: 'r', endpoint: 'summaries', model: 'summaries', version: '2', because: 'a test' },
    step,
    findings: [],
    ...change,
  },
});

test('each step is said once, and what it was judged by once the next has begun', () => {
  const log = new CanaryLog();
  const looks = [
    {},
    at('trying', { findings: [finding('load')] }),
    at('canary', { percent: 25, findings: [finding('load')] }),
    at('canary', { percent: 25, findings: [finding('first')] }),
    at('canary', { percent: 50, findings: [finding('first')] }),
    at('promoting', { percent: 50, findings: [finding('second')] }),
    {},
  ];
  expect(looks.flatMap((look) => log.see(look))).toEqual([
    'roll-out of version 2: trying',
    'roll-out of version 2: canary with 25 % of the requests',
    '  pass  first: fine',
    'roll-out of version 2: canary with 50 % of the requests',
    '  pass  second: fine',
    'roll-out of version 2: promoting',
  ]);
  expect(log.steps).toEqual([
    { percent: 25, findings: [finding('first')] },
    { percent: 50, findings: [finding('second')] },
  ]);
});
