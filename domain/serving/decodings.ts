/** Shorter runs in base64 or hex are too short to hide anything of value. */
const base64Run = /[A-Za-z0-9+/]{8,}/g;
const hexRun = /[0-9a-fA-F]{16,}/g;
const hexSeparators = /0x|\\x|%|[\s:,]/g;
const insideWords = /[-_*`~\u00ad\u200b-\u200d\u2060\ufeff]/g;
const betweenSingleCharacters =
  /(?<=(?<![\p{L}\p{N}_])[\p{L}\p{N}_])[^\p{L}\p{N}_]{1,3}(?=[\p{L}\p{N}_](?![\p{L}\p{N}_]))/gu;
const leet: Readonly<Record<string, string>> = {
  '0': 'o',
  '1': 'i',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '@': 'a',
  $: 's',
};

/**
 * Returns the text, and its decodings from the encodings that hide words from a person but not from a model. All in
 * lower case.
 */
export function decodingsOf(text: string): readonly string[] {
  const plain = text.normalize('NFKC');
  const closed = plain.replace(/\s/g, '').replace(/-/g, '+').replace(/_/g, '/');
  return [
    plain,
    [...plain].reverse().join(''),
    plain.replace(/[a-z]/gi, rot13),
    plain.replace(/[013457@$]/g, (character) => leet[character] ?? character),
    ...[...closed.matchAll(base64Run)].flatMap(([run]) => [0, 1, 2, 3].map((start) => decodeBase64(run.slice(start)))),
    ...[...plain.replace(hexSeparators, '').matchAll(hexRun)].flatMap(([run]) =>
      [0, 1].map((start) => decodeHex(run.slice(start))),
    ),
  ].map((reading) => reading.toLowerCase());
}

/** Joins words that were spelled character by character. */
export const wholeWords = (reading: string): string =>
  reading.replace(insideWords, '').replace(betweenSingleCharacters, '');

/** Keeps letters and digits only. */
export const lettersAlone = (reading: string): string => reading.replace(/[^\p{L}\p{N}]/gu, '');

function rot13(letter: string): string {
  const base = letter < 'a' ? 65 : 97;
  return String.fromCharCode(((letter.charCodeAt(0) - base + 13) % 26) + base);
}

const decodeBase64 = (run: string): string => Buffer.from(run, 'base64').toString('latin1');

const decodeHex = (run: string): string => Buffer.from(run, 'hex').toString('latin1');
