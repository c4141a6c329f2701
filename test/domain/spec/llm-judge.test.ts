import { describe, expect, test } from '@jest/globals';
import { describeJudge, judgeSchema } from '../../../domain/spec/llm-judge.ts';
import { specInput } from '../../builders/specs.ts';

const judge = { model: 'org/judge', address: 'https://judge.example/v1' };
const accepts = (change: Partial<typeof judge>): boolean => judgeSchema.safeParse({ ...judge, ...change }).success;

describe('an address is where texts are sent, and nothing else', () => {
  test.each([
    [true, 'https://judge.example/v1'],
    [true, 'http://127.0.0.1:8000/v1/'],
    [true, 'http://[::1]:8000'],
    [true, 'http://judge.judges.svc:8000/openai/v1'],
    [false, 'judge.example/v1'],
    [false, 'file:///etc/passwd'],
    [false, 'https://user:password@judge.example/v1'],
    [false, 'https://judge.example/v1?key=secret'],
    [false, 'https://judge.example/v1#'],
    [false, 'https://'],
    [false, 'https://judge.example/v1\u001b[2J'],
  ])('%s: %s', (accepted, address) => {
    expect(accepts({ address })).toBe(accepted);
  });
});

test.each([
  [true, 'gpt-4.1-mini'],
  [true, 'org/judge:8b-q4'],
  [true, '@cf/org/judge'],
  [false, ''],
  [false, '/models/judge'],
  [false, 'a judge'],
])('%s: a model named %j', (accepted, model) => {
  expect(accepts({ model })).toBe(accepted);
});

test('whoever starts a lifecycle is told what leaves the machine, and where to', () => {
  expect(describeJudge(specInput({ evaluate: { examples: 16, judge } }))).toBe(
    "evaluate.judge: the held-out prompts and every model's answers to them will be sent to https://judge.example/v1, for org/judge to judge",
  );
});

test.each([[specInput()], [{}], [undefined], [{ evaluate: { judge: { model: 'org/judge', address: 'nowhere' } } }]])(
  'of %j nothing leaves',
  (spec) => {
    expect(describeJudge(spec)).toBeUndefined();
  },
);
