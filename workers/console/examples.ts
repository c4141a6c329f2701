import { shownRoles } from '../../domain/gate/evidence.ts';
import { pageOf } from './paging.ts';
import { textOf } from './tables.ts';
import type { AnswerView, ExamplesView, ExampleView } from './views.ts';

/** A line of per-example.jsonl: each model's answer to one prompt, with its scores. */
export interface Example {
  readonly id: string;
  readonly prompt: string;
  readonly reference: string;
  readonly answers: Readonly<
    Record<
      string,
      { readonly answer: string; readonly rationale?: string; readonly scores: Readonly<Record<string, number>> }
    >
  >;
}

export interface ExamplesQuery {
  readonly sort?: string;
  readonly page?: string;
  readonly metric?: string;
  readonly against?: string;
}

/** Metrics of one example. The gate has its own list for metrics of a whole data set. */
const lowerIsBetter = new Set(['nll', 'perplexity', 'repetition']);
/** Metrics that show a reader the difference between two answers come first. The rest keep the order of the table. */
const preferred = ['rougeL', 'tokenF1', 'exactMatch'];
/** Counts, not scores. */
const notScores = new Set(['tokens']);

export function toExample(raw: Readonly<Record<string, unknown>>): Example {
  const answers = shownRoles.flatMap((role) => {
    const given = raw[role];
    if (typeof given !== 'object' || given === null) return [];
    const scores = Object.entries(given).filter(
      (entry): entry is [string, number] =>
        typeof entry[1] === 'number' && Number.isFinite(entry[1]) && !notScores.has(entry[0]),
    );
    const { answer, rationale } = given as Record<string, unknown>;
    return [
      [
        role,
        {
          answer: textOf(answer),
          ...(rationale === undefined ? {} : { rationale: textOf(rationale) }),
          scores: Object.fromEntries(scores),
        },
      ] as const,
    ];
  });
  return {
    id: textOf(raw['id']),
    prompt: textOf(raw['prompt']),
    reference: textOf(raw['reference']),
    answers: Object.fromEntries(answers),
  };
}

/** One page of the examples, sorted by the candidate's gain. A query value that is not valid selects the default. */
export function pageOfExamples(
  examples: readonly Example[],
  { sort, page, metric, against }: ExamplesQuery,
): ExamplesView {
  const others = shownRoles.slice(1).filter((role) => examples.some(({ answers }) => answers[role] !== undefined));
  const other = choose(against, others) ?? '';
  const metrics = metricsOf(examples);
  const scored = choose(metric, metrics) ?? '';
  const compared = examples.flatMap((example) => compare(example, other, scored));
  const order = choose(sort, ['worst', 'best', 'order'] as const) ?? 'worst';
  const sign = order === 'best' ? -1 : 1;
  // The sort is stable: equal gains keep the order of the table.
  if (order !== 'order') compared.sort((a, b) => sign * (a.gain - b.gain));
  return {
    ...pageOf(compared, page),
    sort: order,
    metric: scored,
    metrics,
    against: other,
    others,
    worse: compared.filter(({ gain }) => gain < 0).length,
    equal: compared.filter(({ gain }) => gain === 0).length,
    better: compared.filter(({ gain }) => gain > 0).length,
  };
}

const choose = <T extends string>(wanted: string | undefined, from: readonly T[]): T | undefined =>
  from.find((one) => one === wanted) ?? from[0];

function metricsOf(examples: readonly Example[]): string[] {
  const all = Object.keys(examples.find(({ answers }) => answers['candidate'])?.answers['candidate']?.scores ?? {});
  return [
    ...preferred.filter((metric) => all.includes(metric)),
    ...all.filter((metric) => !preferred.includes(metric)),
  ];
}

function compare({ id, prompt, reference, answers }: Example, role: string, metric: string): ExampleView[] {
  const [candidate, other] = [answers['candidate'], answers[role]];
  if (!candidate || !other) return [];
  const view = ({ scores, ...said }: typeof candidate): AnswerView => ({ ...said, score: scores[metric] ?? 0 });
  const [a, b] = [view(candidate), view(other)];
  // Rounds, so that floating-point noise does not count as a regression.
  const gain = Number((lowerIsBetter.has(metric) ? b.score - a.score : a.score - b.score).toPrecision(9));
  return [{ id, prompt, reference, candidate: a, other: b, gain }];
}
