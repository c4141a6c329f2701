import { describe, expect, test } from '@jest/globals';
import { checkScheduleSpec, type ScheduleSpecInput } from '../../../domain/spec/schedule-spec.ts';

const weekly: ScheduleSpecInput = { id: 'weekly', spec: 'spec.json', cron: '0 3 * * 1' };

test('a schedule with no more than is needed gets its defaults', () => {
  expect(checkScheduleSpec(weekly)).toEqual({
    ok: true,
    schedule: {
      ...weekly,
      timeZone: 'UTC',
      jitterSeconds: 0,
      overlap: 'skip',
      catchUpMinutes: 1440,
      skip: 'whenUnchanged',
    },
  });
});

describe('one sentence says what is wrong with', () => {
  test.each<[string, object, string, RegExp]>([
    ['a name', { id: 'Weekly' }, 'id', /^expected lower-case letters.*, got "Weekly"$/],
    ["a name of Tuneline's own", { id: 'tuneline-reconcile' }, 'id', /not with tuneline-/],
    ['a spec that is none', { spec: 5 }, 'spec', /^expected one of a text, an object, got 5$/],
    [
      'a cron',
      { cron: '0 25 * * *' },
      'cron',
      /^expected five fields \(minute 0-59, hour 0-23, .*, got "0 25 \* \* \*"$/,
    ],
    [
      'a cron with both days',
      { cron: '0 3 1 * 1' },
      'cron',
      /^expected a day of the month or a day of the week, and \* for the other, got "0 3 1 \* 1"$/,
    ],
    [
      'no timetable',
      { cron: undefined },
      'cron',
      /^expected one of cron, calendar and interval, and no other of them, got nothing$/,
    ],
    ['two of them', { interval: { everyMinutes: 60 } }, 'cron', /and no other of them/],
    [
      'a day',
      { cron: undefined, calendar: { dayOfWeek: ['mondai'] } },
      'calendar.dayOfWeek[0]',
      /did you mean monday\?$/,
    ],
    [
      'an offset',
      { cron: undefined, interval: { everyMinutes: 60, offsetMinutes: 60 } },
      'interval.offsetMinutes',
      /^expected fewer than interval\.everyMinutes, got 60$/,
    ],
    [
      'a time zone',
      { timeZone: 'Mars/Olympus' },
      'timeZone',
      /^expected a time zone such as Europe\/Berlin, got "Mars\/Olympus"$/,
    ],
    ['an overlap', { overlap: 'skipp' }, 'overlap', /did you mean skip\?$/],
    [
      'how many failures',
      { pauseAfterFailures: 11 },
      'pauseAfterFailures',
      /^expected a number of at most 10, got 11$/,
    ],
    ['a field that there is not', { jitter: 5 }, 'jitter', /^no such field/],
  ])('%s', (_what, change, path, message) => {
    const checked = checkScheduleSpec({ ...weekly, ...change });
    expect(checked.ok ? [] : checked.problems).toEqual([{ path, message: expect.stringMatching(message) }]);
  });
});

test('a calendar without times means midnight', () => {
  const checked = checkScheduleSpec({ ...weekly, cron: undefined, calendar: { month: [1] } });
  expect(checked).toMatchObject({ ok: true, schedule: { calendar: { minute: [0], hour: [0], month: [1] } } });
});

const accepts = (cron: string): boolean => checkScheduleSpec({ ...weekly, cron }).ok;

test.each(['* * * * *', '0 3 * * mon', '*/20 8-18/5 * jan,Jul *', '30,0,30 1 1 * *', ' 0  0 * * 5-7 '])(
  'accepts the cron "%s"',
  (cron) => {
    expect(accepts(cron)).toBe(true);
  },
);

test.each([
  ...[
    '',
    '@weekly',
    '0 3 * *',
    '0 0 3 * * *',
    '60 3 * * *',
    '0 24 * * *',
    '0 3 0 * *',
    '0 3 * 13 *',
    '0 3 * * 8',
    '0 3 * * tu',
  ],
  ...[
    '0 5-3 * * *',
    '*/0 3 * * *',
    '1- 3 * * *',
    ', 3 * * *',
    '0 3 L * *',
    '0 3 15W * *',
    '0 3 ? * *',
    '0 3 * * 5#2',
    '0 3 * * fri-sun',
  ],
])('refuses "%s", which Temporal reads differently or not at all', (cron) => {
  expect(accepts(cron)).toBe(false);
});
