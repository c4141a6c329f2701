/** When a calendar says so: each list holds all the values that match. Sunday is 0, January is 1. */
export interface CalendarTimes {
  readonly minute: readonly number[];
  readonly hour: readonly number[];
  readonly dayOfMonth: readonly number[];
  readonly month: readonly number[];
  readonly dayOfWeek: readonly number[];
}

export const daysOfWeek = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'] as const;
const months = ['january', 'february', 'march', 'april', 'may', 'june', 'july', 'august', 'september', 'october', 'november', 'december'] as const;

/** The times of day and the days that a field can have; all of them where nothing is said. */
export const everyTime: CalendarTimes = { minute: between(0, 59), hour: between(0, 23), dayOfMonth: between(1, 31), month: between(1, 12), dayOfWeek: between(0, 6) };

interface Field {
  readonly says: string;
  readonly first: number;
  readonly last: number;
  /** What stands for a number, from `first` on; three letters do. */
  readonly names?: readonly string[];
}

/** In the order of a line of cron. */
const fields: readonly Field[] = [
  { says: 'minute', first: 0, last: 59 },
  { says: 'hour', first: 0, last: 23 },
  { says: 'day of the month', first: 1, last: 31 },
  { says: 'month', first: 1, last: 12, names: months },
  // Both 0 and 7 are Sunday.
  { says: 'day of the week', first: 0, last: 7, names: daysOfWeek },
];

export type ParsedCron = { readonly ok: true; readonly times: CalendarTimes } | { readonly ok: false; readonly expected: string };

/** Reads the five fields of cron: numbers, names of days and months, `*`, `a-b`, `/step` and lists of these. */
export function parseCron(text: string): ParsedCron {
  const parts = text.trim().split(/\s+/);
  if (parts.length !== fields.length) return refused(`five fields (${fields.map(({ says }) => says).join(', ')}), such as "0 3 * * 1"`);
  const values = fields.map((field, index) => valuesOf(parts[index] ?? '', field));
  const wrong = fields.find((_, index) => values[index] === undefined);
  if (wrong) return refused(`in its field ${fields.indexOf(wrong) + 1}, the ${wrong.says}, * or ${wrong.first} to ${wrong.last}${wrong.names ? ` or ${wrong.names[1]?.slice(0, 3) ?? ''}` : ''}, a range a-b, a step */n, or a list of these`);
  // Other crons take either of the two, Temporal both: what is meant can't be told.
  if (parts[2] !== '*' && parts[4] !== '*') return refused('a day of the month or a day of the week, the other one *');
  const [minute = [], hour = [], dayOfMonth = [], month = [], dayOfWeek = []] = values;
  return { ok: true, times: { minute, hour, dayOfMonth, month, dayOfWeek: ascending(dayOfWeek.map((day) => day % 7)) } };
}

const refused = (expected: string): ParsedCron => ({ ok: false, expected });

function valuesOf(part: string, field: Field): number[] | undefined {
  const lists = part.split(',').map((item) => itemValues(item, field));
  return lists.includes(undefined) ? undefined : ascending(lists.flatMap((list) => list ?? []));
}

function itemValues(item: string, field: Field): number[] | undefined {
  const [, range = '', step] = /^([^/]+)(?:\/(\d+))?$/.exec(item) ?? [];
  const [from, to] = range === '*' ? [field.first, field.last] : boundsOf(range, field, step !== undefined);
  if (from === undefined || to === undefined || from < field.first || to > field.last || from > to || step === '0') return undefined;
  return between(from, to).filter((value) => (value - from) % Number(step ?? 1) === 0);
}

/** `a/n` goes on to the end. */
function boundsOf(range: string, field: Field, stepped: boolean): (number | undefined)[] {
  const bounds = range.split('-').map((word) => numberOf(word, field));
  if (bounds.length === 1) return [bounds[0], stepped ? field.last : bounds[0]];
  return bounds.length === 2 ? bounds : [];
}

function numberOf(word: string, { first, names = [] }: Field): number | undefined {
  if (/^\d+$/.test(word)) return Number(word);
  const index = word.length < 3 ? -1 : names.findIndex((name) => name === word.toLowerCase() || name.slice(0, 3) === word.toLowerCase());
  return index < 0 ? undefined : first + index;
}

function between(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

const ascending = (values: readonly number[]): number[] => [...new Set(values)].sort((a, b) => a - b);
