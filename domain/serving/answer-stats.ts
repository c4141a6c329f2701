const word = /[\p{L}\p{N}_]+/gu;
const repeatedWords = 4;

/**
 * The share of the answer's word 4-grams that are repetitions of earlier ones; 0 for fewer than four words.
 * `jobs/tuneline_jobs/evaluation/answer_scores.py` uses the same formula.
 */
export function repetitionOf(answer: string): number {
  const words = answer.toLowerCase().match(word) ?? [];
  const grams = words.slice(repeatedWords - 1).map((_, index) => words.slice(index, index + repeatedWords).join(' '));
  return grams.length === 0 ? 0 : 1 - new Set(grams).size / grams.length;
}

/** Matches the usual refusals of a model at the start of an answer: an apology, "I can't", or "as an AI". */
const refusal =
  /^\W*(?:(?:I['’]?m |I am )?(?:very |so )?(?:sorry|afraid)\b|I (?:apologi[sz]e|can['’]?t|can ?not|could ?n['’]t|won['’]t|will not|must decline|must refuse|am unable|am not able|do not feel comfortable)\b|I['’]m (?:unable|not able)\b|(?:Unfortunately|Regrettably), I\b|As an AI\b|My apologies\b|Sorry\b)/i;

/** True if the answer is a refusal. */
export const isRefusal = (answer: string): boolean => refusal.test(answer);
