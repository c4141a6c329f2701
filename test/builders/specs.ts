import { checkLifecycleSpec, describeProblems } from '../../domain/spec/explain-spec.ts';
import type { LifecycleSpec, LifecycleSpecInput } from '../../domain/spec/lifecycle-spec.ts';

/** What a person writes who writes no more than is needed, and what the test changes in it. */
export const specInput = (change: Partial<LifecycleSpecInput> = {}): LifecycleSpecInput => ({
  model: 'summaries',
  baseModel: 'org/base',
  data: { path: 'data.jsonl', input: ['description'], target: 'synopsis' },
  prompt: { name: 'summarize', path: 'prompt.txt' },
  tune: { steps: 10 },
  evaluate: { examples: 16 },
  gate: [{ rule: 'atLeast', metric: 'bleu', value: 5 }],
  deploy: { endpoint: 'summaries' },
  ...change,
});

export function checked(raw: unknown): LifecycleSpec {
  const check = checkLifecycleSpec(raw);
  if (check.ok) return check.spec;
  throw new Error(describeProblems(check.problems));
}

export const aSpec = (change: Partial<LifecycleSpecInput> = {}): LifecycleSpec => checked(specInput(change));
