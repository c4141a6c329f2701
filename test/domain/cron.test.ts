import { describe, expect, test } from '@jest/globals';
import { everyTime, parseCron, type CalendarTimes } from '../../domain/cron.ts';

const timesOf = (cron: string) => {
  const parsed = parseCron(cron);
  return parsed.ok ? parsed.times : parsed.expected;
};

test.each<[string, Partial<CalendarTimes>]>([
  ['* * * * *', {}],
  ['0 3 * * 1', { minute: [0], hour: [3], dayOfWeek: [1] }],
  ['0 3 * * mon', { minute: [0], hour: [3], dayOfWeek: [1] }],
  ['*/20 * * * *', { minute: [0, 20, 40] }],
  ['5/25 * * * *', { minute: [5, 30, 55] }],
  ['0 8-18/5 * * *', { minute: [0], hour: [8, 13, 18] }],
  ['30,0,30 1 1 jan,Jul *', { minute: [0, 30], hour: [1], dayOfMonth: [1], month: [1, 7] }],
  ['0 0 * * 5-7', { minute: [0], hour: [0], dayOfWeek: [0, 5, 6] }],
  ['0 0 * * sunday', { minute: [0], hour: [0], dayOfWeek: [0] }],
])('%s', (cron, restricted) => {
  expect(timesOf(cron)).toEqual({ ...everyTime, ...restricted });
});

describe('what is no cron is refused by its field', () => {
  test.each([
    ['@weekly', /^five fields \(minute, hour, day of the month, month, day of the week\)/],
    ['0 3 * *', /^five fields/],
    ['60 3 * * *', /^in its field 1, the minute, \* or 0 to 59, a range/],
    ['0 24 * * *', /^in its field 2, the hour/],
    ['0 3 0 * *', /^in its field 3, the day of the month, \* or 1 to 31/],
    ['0 3 * 13 *', /^in its field 4, the month, \* or 1 to 12 or feb/],
    ['0 3 * * tu', /^in its field 5, the day of the week, \* or 0 to 7 or mon/],
    ['0 5-3 * * *', /^in its field 2, the hour/],
    ['*/0 3 * * *', /^in its field 1, the minute/],
    ['1- 3 * * *', /^in its field 1, the minute/],
    [', 3 * * *', /^in its field 1, the minute/],
    ['0 3 1 * 1', /^a day of the month or a day of the week, the other one \*$/],
  ])('%s', (cron, expected) => {
    expect(timesOf(cron)).toMatch(expected);
  });
});
