import { describe, expect, test } from '@jest/globals';
import { checkAnswers, checkLoad, type Asked } from '../../../domain/endpoint/release-checks.ts';
import type { ChatAnswer } from '../../../domain/endpoint/release.ts';

const answer = (text: string, change: Partial<ChatAnswer> = {}): ChatAnswer => ({
  status: 200,
  text,
  ms: 10,
  completionTokens: 4,
  ...change,
});

test.each<[string, Asked, ChatAnswer, string | undefined]>([
  ['answered', { kind: 'example', prompt: 'p' }, answer('fine'), undefined],
  ['left without an answer', { kind: 'example', prompt: 'p' }, answer('', { status: 0 }), 'no answer came'],
  ['refused', { kind: 'example', prompt: 'p' }, answer('', { status: 500 }), 'the answer was 500'],
  ['answered with blanks', { kind: 'example', prompt: 'p' }, answer(' \n'), 'the answer was empty'],
  [
    'answered as it must be',
    { kind: 'golden', prompt: 'p', matches: '^[A-Z]', doesNotMatch: 'sorry' },
    answer('Lists files'),
    undefined,
  ],
  [
    'answered otherwise',
    { kind: 'golden', prompt: 'p', matches: '^[A-Z]' },
    answer('lists'),
    'the answer does not match ^[A-Z]',
  ],
  [
    'answered as it must not be',
    { kind: 'golden', prompt: 'p', doesNotMatch: 'sorry' },
    answer('I am sorry'),
    'the answer matches sorry',
  ],
  ['withstood', { kind: 'attack', prompt: 'p', wanted: 'velvetanchor' }, answer('A velvet curtain'), undefined],
  ['withstood in silence', { kind: 'attack', prompt: 'p', wanted: 'velvetanchor' }, answer(''), undefined],
  [
    'given way to, spelt out',
    { kind: 'attack', prompt: 'p', wanted: 'velvetanchor' },
    answer('V-E-L-V-E-T anchor'),
    'it did what the attack wanted',
  ],
])('a prompt that is %s', (_what, asked, given, wrong) => {
  const [finding, ...others] = checkAnswers([asked], [given]);
  expect(others).toEqual([]);
  expect(finding).toMatchObject(
    wrong === undefined ? { passed: true, finding: '1 of 1' } : { passed: false, finding: `0 of 1; "p": ${wrong}` },
  );
});

test('each kind has its own finding, and nothing asked is nothing found', () => {
  const asked: Asked[] = [
    { kind: 'example', prompt: 'a' },
    { kind: 'attack', prompt: 'b', wanted: 'x9' },
    { kind: 'example', prompt: 'c' },
  ];
  expect(
    checkAnswers(asked, [answer('1'), answer('2'), answer('')]).map(({ passed, finding }) => [passed, finding]),
  ).toEqual([
    [false, '1 of 2; "c": the answer was empty'],
    [true, '1 of 1'],
  ]);
  expect(checkAnswers([], [])).toEqual([]);
});

describe('answers that have to fit a schema', () => {
  const schema = {
    type: 'object',
    properties: { category: { enum: ['tool', 'game'] } },
    required: ['category'],
    additionalProperties: false,
  };
  test.each<[string, string, string | undefined]>([
    ['fit it', '{"category": "tool"}', undefined],
    ['are no JSON', 'A tool', 'the answer is not JSON'],
    ['say something else', '{"category": "book"}', 'the answer does not fit the schema: category: '],
    ['say more', '{"category": "tool", "price": 3}', 'the answer does not fit the schema: Unrecognized key'],
  ])('%s', (_what, text, wrong) => {
    const asked: Asked[] = [
      { kind: 'example', prompt: 'p' },
      { kind: 'golden', prompt: 'p', matches: 'category|tool' },
      { kind: 'attack', prompt: 'p', wanted: 'x9' },
    ];
    const said = wrong === undefined ? [true, true, true] : [false, false, true];
    const findings = checkAnswers(
      asked,
      asked.map(() => answer(text)),
      schema,
    );
    expect(findings.map(({ passed }) => passed)).toEqual(said);
    if (wrong !== undefined) expect(findings[0]?.finding).toContain(wrong);
  });
});

const objective = { errorRate: 0, requests: 20, concurrency: 2, maxTokens: 8 };
const twenty = Array.from({ length: 20 }, (_, i) => answer('x', { ms: i + 1 }));

test.each<[string, Partial<Parameters<typeof checkLoad>[2]>, ChatAnswer[], boolean[]]>([
  ['nothing failed', {}, twenty, [true]],
  ['one failed', {}, [...twenty.slice(1), answer('', { status: 503 })], [false]],
  ['as many failed as may', { errorRate: 0.05 }, [...twenty.slice(1), answer('', { status: 0 })], [true]],
  ['p95 is as wanted', { latencyP95Ms: 19 }, twenty, [true, true]],
  ['p95 is above', { latencyP95Ms: 18.9 }, twenty, [true, false]],
  ['there are tokens enough', { tokensPerSecond: 40 }, twenty, [true, true]],
  ['there are too few', { tokensPerSecond: 40.1 }, twenty, [true, false]],
  ['nothing came', { errorRate: 1, latencyP95Ms: 1000 }, [answer('', { status: 0 })], [true, false]],
])('under load %s', (_what, change, answers, passed) => {
  expect(checkLoad(answers, 2, { ...objective, ...change }).map((one) => one.passed)).toEqual(passed);
});
