/** Long enough for any finding. A failure message may contain the whole log of a Job. */
const maximumCharacters = 2000;

/**
 * Makes a text from outside safe for GitHub and GitLab: an invisible space breaks every mention, reference and link (@name,
 * #1, !1), and characters that reverse the text direction are removed.
 */
export function neutralizeMentions(text: string): string {
  const short = text.length > maximumCharacters ? `${text.slice(0, maximumCharacters)} …` : text;
  return short
    .toWellFormed()
    .replace(/[\u202a-\u202e\u2066-\u2069\u200e\u200f]/g, '')
    .replace(/[@#!%~&$](?=[\p{L}\p{N}_"{])|\bGH-(?=\d)|:(?=\/\/)|www(?=\.)/giu, '$&\u200b');
}
