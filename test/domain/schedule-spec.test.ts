import { describe, expect, test } from '@jest/globals';
import { everyTime } from '../../domain/cron.ts';
import { calendarTimes, checkScheduleSpec, type ScheduleSpecInput } from '../../domain/schedule-spec.ts';

const weekly: ScheduleSpecInput = { id: 'weekly', spec: 'spec.json', cron: '0 3 * * 1' };

test('a schedule with no more than is needed gets its defaults', () => {
  expect(checkScheduleSpec(weekly)).toEqual({
    ok: true,
    schedule: { ...weekly, timeZone: 'UTC', jitterSeconds: 0, overlap: 'skip', catchUpMinutes: 1440, skip: 'whenUnchanged' },
  });
});

describe('one sentence says what is wrong with', () => {
  test.each<[string, object, string, RegExp]>([
    ['a name', { id: 'Weekly' }, 'id', /^expected lower-case letters.*, got "Weekly"$/],
    ["a name of Tuneline's own", { id: 'tuneline-reconcile' }, 'id', /not with tuneline-/],
    ['a spec that is none', { spec: 5 }, 'spec', /^expected one of a text, an object, got 5$/],
    ['a cron', { cron: '0 25 * * *' }, 'cron', /^expected in its field 2, the hour, .*, got "0 25 \* \* \*"$/],
    ['no timetable', { cron: undefined }, 'cron', /^expected one of cron, calendar and interval, and no other of them, got nothing$/],
    ['two of them', { interval: { everyMinutes: 60 } }, 'cron', /and no other of them/],
    ['a day', { cron: undefined, calendar: { dayOfWeek: ['mondai'] } }, 'calendar.dayOfWeek[0]', /did you mean monday\?$/],
    ['an offset', { cron: undefined, interval: { everyMinutes: 60, offsetMinutes: 60 } }, 'interval.offsetMinutes', /^expected fewer than interval\.everyMinutes, got 60$/],
    ['a time zone', { timeZone: 'Mars/Olympus' }, 'timeZone', /^expected a time zone such as Europe\/Berlin, got "Mars\/Olympus"$/],
    ['an overlap', { overlap: 'skipp' }, 'overlap', /did you mean skip\?$/],
    ['how many failures', { pauseAfterFailures: 11 }, 'pauseAfterFailures', /^expected a number of at most 10, got 11$/],
    ['a field that there is not', { jitter: 5 }, 'jitter', /^no such field/],
  ])('%s', (_what, change, path, message) => {
    const checked = checkScheduleSpec({ ...weekly, ...change });
    expect(checked.ok ? [] : checked.problems).toEqual([{ path, message: expect.stringMatching(message) }]);
  });
});

test('a calendar is midnight of each day, unless it says otherwise', () => {
  const times = (calendar: ScheduleSpecInput['calendar']) => {
    const checked = checkScheduleSpec({ ...weekly, cron: undefined, calendar });
    return checked.ok ? calendarTimes(checked.schedule) : checked.problems;
  };
  expect(times({})).toEqual({ ...everyTime, minute: [0], hour: [0] });
  expect(times({ hour: [3, 15], dayOfWeek: ['sunday', 'friday'], month: [1] })).toEqual({ ...everyTime, minute: [0], hour: [3, 15], month: [1], dayOfWeek: [0, 5] });
});
