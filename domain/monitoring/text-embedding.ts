/**
 * Raise `schema` of the training profile after any change to this size or to the code below: stored profiles can't be
 * compared any more.
 */
export const embeddingSize = 64;

/**
 * Maps a text to a direction in 64 dimensions: texts that share words, pairs of words or parts of words point in
 * similar directions. Uses signed feature hashing (Weinberger et al., 2009, Feature Hashing for Large Scale Multitask
 * Learning). The result is the same on every machine, and has unit length within four decimals. It is all zeros for a
 * text of blanks only. Only the first 4,000 characters count, because a request must not wait for its embedding.
 */
export function embed(text: string): number[] {
  const sums = new Array<number>(embeddingSize).fill(0);
  const add = (feature: number): void => {
    const bits = mix(feature);
    // The sign uses another bit than the place, so that features with the same place cancel out on average.
    const place = bits & (embeddingSize - 1);
    sums[place] = (sums[place] ?? 0) + (bits < 0 ? -1 : 1);
  };
  let before = 0;
  for (const word of text.slice(0, charactersRead).normalize('NFKC').toLowerCase().match(wordOrSign) ?? []) {
    let hash = basis;
    // Blanks mark the ends of the word, so that a prefix differs from the middle of a word.
    let [first, second] = [0, blank];
    for (let at = 0; at <= word.length; at++) {
      const third = at < word.length ? word.charCodeAt(at) : blank;
      if (at > 0) add(step(step(step(trigramBasis, first), second), third));
      if (at < word.length) hash = step(hash, third);
      [first, second] = [second, third];
    }
    add(hash);
    // Mix again, so that the order of the two words matters.
    if (before !== 0) add(step(mix(before), hash));
    before = hash;
  }
  const length = Math.hypot(...sums);
  // Rounds to four decimals, because a window of 10,000 requests is read as JSON.
  return sums.map((sum) => (length === 0 || sum === 0 ? 0 : Math.round((sum / length) * 10_000) / 10_000));
}

const charactersRead = 4000;
const wordOrSign = /[\p{L}\p{M}\p{N}]+|[^\s\p{L}\p{M}\p{N}]/gu;
const blank = 32;

const { imul } = Math;

/** FNV-1a, 32 bits, by UTF-16 code units. */
const basis = 0x811c9dc5 | 0;
const trigramBasis = 0x050c5d1f;
const step = (hash: number, unit: number): number => imul(hash ^ unit, 0x01000193);

/** The finalizer of MurmurHash3. The low bits of FNV alone are not spread evenly enough for the places. */
function mix(hash: number): number {
  let bits = imul(hash ^ (hash >>> 16), 0x85ebca6b);
  bits = imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}
