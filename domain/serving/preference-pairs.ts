import { textOf, type ChatMessage } from './chat-request.ts';

/** What one person said of one answer. */
export interface RatedAnswer {
  readonly id: string;
  /** Of the release: MODEL/VERSION. */
  readonly version: string;
  readonly author: string;
  readonly messages: readonly ChatMessage[];
  readonly variables?: Readonly<Record<string, string>>;
  readonly answer: string;
  readonly rating: number;
  readonly correction?: string;
  readonly comment?: string;
}

/** What direct preference optimization learns from. */
export interface PreferencePair {
  readonly prompt: string;
  readonly chosen: string;
  readonly rejected: string;
}

/** One example of an evaluation set: the prompt, or its columns, and the wanted answer. */
export type EvaluationExample = Readonly<Record<string, string>>;

/** A correction is better than what it corrects; and of two answers to one prompt, one called good is better than one called bad. No pair twice. */
export function preferencePairs(rated: readonly RatedAnswer[]): readonly PreferencePair[] {
  const corrected = rated.flatMap(({ messages, answer, correction }) =>
    correction === undefined ? [] : [{ prompt: textOf(messages), chosen: correction, rejected: answer }],
  );
  const byPrompt = Map.groupBy(rated, ({ messages }) => textOf(messages));
  const compared = [...byPrompt].flatMap(([prompt, answers]) =>
    answers
      .filter(({ rating }) => rating > 0)
      .flatMap((good) =>
        answers
          .filter(({ rating }) => rating < 0)
          .map((bad) => ({ prompt, chosen: good.answer, rejected: bad.answer })),
      ),
  );
  const all = [...corrected, ...compared].filter(({ chosen, rejected }) => chosen !== rejected);
  return [...new Map(all.map((pair) => [JSON.stringify(pair), pair])).values()];
}

/** What people corrected or called good, each prompt once with the last word on it: as a lifecycle's `data` reads it, with `target` as the wanted answer. */
export function evaluationExamples(rated: readonly RatedAnswer[]): readonly EvaluationExample[] {
  const wanted = rated.flatMap(({ messages, variables, answer, rating, correction }) => {
    const target = correction ?? (rating > 0 ? answer : undefined);
    return target === undefined ? [] : [{ ...(variables ?? { prompt: textOf(messages) }), target }];
  });
  return [...new Map(wanted.map(({ target, ...input }) => [JSON.stringify(input), { ...input, target }])).values()];
}
