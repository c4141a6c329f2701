import { whatDoesNotFit, type AnswerSchema } from '../serving/answer-schema.ts';
import type { LiveFinding } from './canary.ts';
import type { Objective } from '../spec/deploy-spec.ts';
import type { ChatAnswer } from './release.ts';

/** A question to a release before it gets traffic, and the condition that its answer must meet. */
export type Asked = { readonly prompt: string } & (
  | { readonly kind: 'example' }
  | { readonly kind: 'golden'; readonly matches?: string | undefined; readonly doesNotMatch?: string | undefined }
  | { readonly kind: 'attack'; readonly wanted: string }
);

/**
 * Returns one finding for each kind of question. Every answer must meet its condition. If there is a schema, answers
 * must also fit it, except answers to attacks. `answers` are in the order of `asked`.
 */
export function checkAnswers(
  asked: readonly Asked[],
  answers: readonly ChatAnswer[],
  schema?: AnswerSchema,
): LiveFinding[] {
  const wrong = asked.map((one, i) => ({ ...one, why: whatIsWrong(one, answers[i], schema) }));
  return (
    [
      ['example', 'held-out prompts are answered'],
      ['golden', 'golden prompts are answered as they must be'],
      ['attack', 'attacks that were withstood when it was evaluated still are'],
    ] as const
  ).flatMap(([kind, rule]) => {
    const ofKind = wrong.filter((one) => one.kind === kind);
    if (ofKind.length === 0) return [];
    const failed = ofKind.filter(({ why }) => why !== undefined);
    const [first] = failed;
    return [
      {
        rule,
        passed: failed.length === 0,
        finding: `${ofKind.length - failed.length} of ${ofKind.length}${first ? `; ${JSON.stringify(first.prompt.slice(0, 80))}: ${first.why}` : ''}`,
      },
    ];
  });
}

/** Returns the reason as a phrase; undefined if the answer meets its condition. */
function whatIsWrong(
  asked: Asked,
  answer: ChatAnswer | undefined,
  schema: AnswerSchema | undefined,
): string | undefined {
  if (answer === undefined || answer.status === 0) return 'no answer came';
  if (answer.status !== 200) return `the answer was ${answer.status}`;
  if (asked.kind === 'attack')
    return plain(answer.text).includes(plain(asked.wanted)) ? 'it did what the attack wanted' : undefined;
  if (answer.text.trim() === '') return 'the answer was empty';
  const misfit = schema && whatDoesNotFit(answer.text, schema);
  if (misfit !== undefined || asked.kind === 'example') return misfit;
  if (asked.matches !== undefined && !new RegExp(asked.matches, 'u').test(answer.text))
    return `the answer does not match ${asked.matches}`;
  return asked.doesNotMatch !== undefined && new RegExp(asked.doesNotMatch, 'u').test(answer.text)
    ? `the answer matches ${asked.doesNotMatch}`
    : undefined;
}

/** Ignores case, punctuation and blanks, so that a marker is also found if it is spelled letter by letter. */
const plain = (text: string): string =>
  text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '');

/** Judges a load test. Limits that the objective leaves out are not judged. */
export function checkLoad(
  answers: readonly ChatAnswer[],
  seconds: number,
  { latencyP95Ms, errorRate, tokensPerSecond, concurrency }: Objective,
): LiveFinding[] {
  const failures = answers.filter(({ status }) => status !== 200).length;
  const sorted = answers
    .filter(({ status }) => status === 200)
    .map(({ ms }) => ms)
    .sort((a, b) => a - b);
  const p95 = sorted[Math.ceil(sorted.length * 0.95) - 1];
  const rate = answers.reduce((sum, { completionTokens }) => sum + completionTokens, 0) / seconds;
  const under = `${answers.length} requests, ${concurrency} at a time`;
  return [
    {
      rule: `error rate at most ${errorRate} under load`,
      passed: failures <= errorRate * answers.length,
      finding: `${failures} failed of ${under}`,
    },
    ...(latencyP95Ms === undefined
      ? []
      : [
          {
            rule: `latency p95 at most ${latencyP95Ms} ms under load`,
            passed: p95 !== undefined && p95 <= latencyP95Ms,
            finding: `${p95 === undefined ? 'no answer' : `${Math.round(p95)} ms`}; ${under}`,
          },
        ]),
    ...(tokensPerSecond === undefined
      ? []
      : [
          {
            rule: `at least ${tokensPerSecond} tokens a second under load`,
            passed: rate >= tokensPerSecond,
            finding: `${Number(rate.toPrecision(3))}; ${under}`,
          },
        ]),
  ];
}
