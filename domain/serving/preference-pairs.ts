import { textOf, type ChatMessage } from './chat-request.ts';

/** An answer with the feedback of one person. */
export interface RatedAnswer {
  readonly id: string;
  /** The release's model version, as MODEL/VERSION. */
  readonly version: string;
  readonly author: string;
  readonly messages: readonly ChatMessage[];
  readonly variables?: Readonly<Record<string, string>>;
  readonly answer: string;
  readonly rating: number;
  readonly correction?: string;
  readonly comment?: string;
}

/** A training example for direct preference optimization. */
export interface PreferencePair {
  readonly prompt: string;
  readonly chosen: string;
  readonly rejected: string;
}

/** One example of an evaluation set: the prompt or its columns, and the wanted answer as `target`. */
export type EvaluationExample = Readonly<Record<string, string>>;

/**
 * Pairs each correction with the answer that it corrects, and each answer rated good with each answer rated bad for the
 * same prompt. Equal pairs appear once.
 */
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

/**
 * Makes one example for each prompt from its last correction or good answer. The examples fit a lifecycle's `data`;
 * `target` is the wanted answer.
 */
export function evaluationExamples(rated: readonly RatedAnswer[]): readonly EvaluationExample[] {
  const wanted = rated.flatMap(({ messages, variables, answer, rating, correction }) => {
    const target = correction ?? (rating > 0 ? answer : undefined);
    return target === undefined ? [] : [{ ...(variables ?? { prompt: textOf(messages) }), target }];
  });
  return [...new Map(wanted.map(({ target, ...input }) => [JSON.stringify(input), { ...input, target }])).values()];
}
