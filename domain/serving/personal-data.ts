/** The same kinds and patterns as `jobs/tuneline_jobs/data/personal_data.py` redacts from training data. */
export type PersonalDataKind = 'email' | 'card' | 'ip' | 'phone';

export interface PersonalData {
  readonly kind: PersonalDataKind;
  readonly start: number;
  readonly end: number;
}

interface Detector {
  readonly kind: PersonalDataKind;
  readonly pattern: RegExp;
  readonly confirms: (text: string) => boolean;
}

const digitsOf = (text: string): string => text.replace(/\D/g, '');

/** Checks the Luhn checksum (ISO/IEC 7812-1, annex B). */
function isCard(text: string): boolean {
  const digits = [...digitsOf(text)].reverse().map(Number);
  const sum = digits.reduce((total, digit, index) => total + (index % 2 === 0 ? digit : luhnDouble(digit)), 0);
  return digits.length >= 13 && digits.length <= 19 && sum % 10 === 0 && digits.some((digit) => digit > 0);
}

/** Returns the sum of the digits of twice the digit. */
const luhnDouble = (digit: number): number => (digit > 4 ? 2 * digit - 9 : 2 * digit);

const isIpV4 = (text: string): boolean =>
  /^(?:(?:0|[1-9]\d{0,2})\.){3}(?:0|[1-9]\d{0,2})$/.test(text) && text.split('.').every((part) => Number(part) < 256);

function isIpV6(text: string): boolean {
  const [head = '', tail, ...more] = text.split('::');
  if (more.length > 0) return false;
  const groups = [head, ...(tail === undefined ? [] : [tail])].flatMap((side) => (side === '' ? [] : side.split(':')));
  return (
    groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group)) &&
    (tail === undefined ? groups.length === 8 : groups.length < 8)
  );
}

/** An address needs a digit: `Add::Face` is the name of a module, although all its letters are hexadecimal. */
const isIp = (text: string): boolean => /\d/.test(text) && (text.includes(':') ? isIpV6(text) : isIpV4(text));

/** True if a subscriber's number can have this many digits (ITU-T E.164 allows at most 15). */
const isPhone = (text: string): boolean => digitsOf(text).length >= 9 && digitsOf(text).length <= 15;

// The order matters: a card number or an IP address would also match as a phone number.
const detectors: readonly Detector[] = [
  {
    kind: 'email',
    pattern: /[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,24}(?![\p{L}\p{N}_])/gu,
    confirms: () => true,
  },
  { kind: 'card', pattern: /(?<![\p{L}\p{N}_.-])\d(?:[ -]?\d){12,18}(?![\p{L}\p{N}_-])/gu, confirms: isCard },
  {
    kind: 'ip',
    pattern:
      /(?<![\p{L}\p{N}_.:])(?:\d{1,3}\.){3}\d{1,3}(?![\p{L}\p{N}_]|\.\d)|(?<![\p{L}\p{N}_.:])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{1,4}(?![\p{L}\p{N}_:])/gu,
    confirms: isIp,
  },
  // A plus sign, brackets or separators must be there: a bare run of digits is rarely a phone.
  {
    kind: 'phone',
    pattern:
      /(?<![\p{L}\p{N}_.+-])(?:\+\d{1,3}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d{1,5}(?:[ .-]?\d{2,5}){1,4}|\(\d{2,5}\)[ .-]?\d{3,4}[ .-]?\d{3,4}|\d{3}[ .-]\d{3}[ .-]\d{4})(?![\p{L}\p{N}_-]|\.\d)/gu,
    confirms: isPhone,
  },
];

/** Returns the findings in the order of the text; they do not overlap. */
export function findPersonalData(text: string): readonly PersonalData[] {
  const found: PersonalData[] = [];
  let left = text;
  for (const { kind, pattern, confirms } of detectors)
    // Replaces each match with `]` characters of the same length, so that later detectors skip it and positions stay
    // the same.
    left = left.replace(pattern, (match: string, ...rest: unknown[]) => {
      if (!confirms(match)) return match;
      const start = rest.find((part) => typeof part === 'number') as number;
      found.push({ kind, start, end: start + match.length });
      return ']'.repeat(match.length);
    });
  return found.sort((a, b) => a.start - b.start);
}

/** Replaces the findings with `[EMAIL]`, `[CARD]`, `[IP]` and `[PHONE]`. */
export function redactPersonalData(text: string, found = findPersonalData(text)): string {
  let redacted = '';
  let from = 0;
  for (const { kind, start, end } of found) {
    redacted += `${text.slice(from, start)}[${kind.toUpperCase()}]`;
    from = end;
  }
  return redacted + text.slice(from);
}
