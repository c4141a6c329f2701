import { decodingsOf, wholeWords } from './decodings.ts';
import { injectionPatterns, type AttackFamily } from './injection-patterns.ts';

export interface Injection {
  readonly family: AttackFamily;
  /** The first words that matched, as they read once decoded. */
  readonly words: string;
}

const patterns = Object.entries(injectionPatterns).map(([family, alternatives]) => ({
  family: family as AttackFamily,
  pattern: new RegExp(alternatives.map((one) => `(?:${one})`).join('|'), 'mu'),
}));

/** Beyond this only the plain text is looked at: a model makes little of so long a cipher, and each reading takes as long as the text. */
const longestEncoded = 16_384;
/** As much of what matched as a log wants. */
const longestWords = 80;

/** Families of prompt hacking whose phrases are in the text, plainly or in an encoding. Hints, not a proof: a text about attacks has them, too. */
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
