/**
 * @typedef {object} Piece
 * @property {string} text
 * @property {boolean} own whether only this side says it
 */

/** Longer answers are shown without marks: the comparison takes the product of both lengths. */
const maximumWords = 600;

/**
 * Both texts in pieces, the words that only one of them has told apart: by their longest common subsequence.
 * @param {string} left
 * @param {string} right
 * @returns {{ left: Piece[], right: Piece[] }}
 */
export function diffWords(left, right) {
  const [a, b] = [split(left), split(right)];
  if (a.length > maximumWords || b.length > maximumWords)
    return { left: [{ text: left, own: false }], right: [{ text: right, own: false }] };
  const lengths = commonLengths(a, b);
  const ownA = a.map(() => true);
  const ownB = b.map(() => true);
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    if (a[i]?.trim() === b[j]?.trim()) {
      ownA[i++] = false;
      ownB[j++] = false;
    } else if (at(lengths, i + 1, j) >= at(lengths, i, j + 1)) i++;
    else j++;
  }
  return { left: join(a, ownA), right: join(b, ownB) };
}

/** Words with the blanks that follow them, so that the pieces put together are the text. @param {string} text */
const split = (text) => text.match(/^\s+|\S+\s*/g) ?? [];

/** `lengths[i][j]`: the longest common subsequence of what follows i and j. @param {string[]} a @param {string[]} b */
function commonLengths(a, b) {
  const lengths = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--) {
      const row = /** @type {Uint16Array} */ (lengths[i]);
      row[j] =
        a[i]?.trim() === b[j]?.trim()
          ? at(lengths, i + 1, j + 1) + 1
          : Math.max(at(lengths, i + 1, j), at(lengths, i, j + 1));
    }
  return lengths;
}

/** @param {Uint16Array[]} lengths @param {number} i @param {number} j */
const at = (lengths, i, j) => lengths[i]?.[j] ?? 0;

/** @param {string[]} words @param {boolean[]} own @returns {Piece[]} */
function join(words, own) {
  /** @type {Piece[]} */
  const pieces = [];
  words.forEach((text, i) => {
    const last = pieces.at(-1);
    if (last && last.own === own[i]) last.text += text;
    else pieces.push({ text, own: own[i] ?? false });
  });
  return pieces;
}
