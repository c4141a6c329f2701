/** Long enough for any finding; a failure may bring along the log of a Job. */
const maximumCharacters = 2000;

/**
 * A text that others wrote, such that a forge calls nobody and names nothing of its own because of it: no @name, #1, !1 or link, and
 * nothing that turns the direction of what stands behind it. A blank that nobody sees stands in between.
 */
export function neutralizeMentions(text: string): string {
  const short = text.length > maximumCharacters ? `${text.slice(0, maximumCharacters)} …` : text;
  return short
    .toWellFormed()
    .replace(/[\u202a-\u202e\u2066-\u2069\u200e\u200f]/g, '')
    .replace(/[@#!%~&$](?=[\p{L}\p{N}_"{])|\bGH-(?=\d)|:(?=\/\/)|www(?=\.)/giu, '$&\u200b');
}
