import { decodingsOf, wholeWords } from './decodings.ts';
import { injectionPatterns, type AttackFamily } from './injection-patterns.ts';

export interface Injection {
  readonly family: AttackFamily;
  /** The first words that matched, in decoded form. */
  readonly words: string;
}

const patterns = Object.entries(injectionPatterns).map(([family, alternatives]) => ({
  family: family as AttackFamily,
  pattern: new RegExp(alternatives.map((one) => `(?:${one})`).join('|'), 'mu'),
}));

/**
 * For a longer text only the plain form is checked. A model understands little of such a long cipher, and the check of
 * each decoding takes time in proportion to the text.
 */
const longestEncoded = 16_384;
/** The maximum number of matched characters in a log. */
const longestWords = 80;

/**
 * Returns the families of prompt hacking whose phrases occur in the text, in plain or encoded form. They are hints and
 * no proof, because a text about attacks contains such phrases, too.
 */
export function findInjections(text: string): readonly Injection[] {
  const lower = text.normalize('NFKC').toLowerCase();
  const readings =
    text.length > longestEncoded
      ? [lower]
      : [...new Set([lower, ...decodingsOf(text).flatMap((reading) => [reading, wholeWords(reading)])])];
  return patterns.flatMap(({ family, pattern }) => {
    for (const reading of readings) {
      const [words] = pattern.exec(reading) ?? [];
      if (words !== undefined) return [{ family, words: words.slice(0, longestWords) }];
    }
    return [];
  });
}
