import { describe, expect, test } from '@jest/globals';
import type { ScheduleSpecInput } from '../../../domain/spec/schedule-spec.ts';
import { applySchedule, viewSchedule } from '../../../workers/schedules/lifecycle-schedules.ts';
import { specInput } from '../../builders/specs.ts';
import { openScheduleLab, schedule } from './schedule-lab.ts';

const lab = openScheduleLab();

describe('applying a schedule', () => {
  const timetables: readonly [string, Partial<ScheduleSpecInput>][] = [
    ['a cron', { cron: '*/10 8-18 * jan-jun 1-5' }],
    ['a calendar', { cron: undefined, calendar: { dayOfWeek: ['sunday'], hour: [3], minute: [30, 45], month: [12] } }],
    ['each minute of a calendar', { cron: '* * * * *', timeZone: 'Europe/Berlin' }],
    ['an interval', { cron: undefined, interval: { everyMinutes: 1440, offsetMinutes: 90 } }],
    [
      'everything else',
      { jitterSeconds: 60, overlap: 'bufferOne', catchUpMinutes: 5, pauseAfterFailures: 3, skip: 'never', note: 'why' },
    ],
  ];

  test.each(timetables)('creates one by %s once, and leaves it alone then', async (name, change) => {
    const wanted = schedule(name.replaceAll(' ', '-'), change);
    expect(await applySchedule(lab.client, wanted)).toBe('created');
    expect(await applySchedule(lab.client, wanted)).toBe('unchanged');
    expect((await lab.client.schedule.getHandle(wanted.id).describe()).info.lastUpdatedAt).toBeUndefined();
  });

  test.each<[string, Partial<ScheduleSpecInput>]>([
    ...timetables,
    ['another spec', { spec: {} }],
    ['a time zone', { timeZone: 'Asia/Tokyo' }],
    ['a note', { note: 'another' }],
  ])('changes what %s changes, and keeps a pause', async (name, change) => {
    const id = `changed-${name.replaceAll(' ', '-')}`;
    await applySchedule(lab.client, schedule(id));
    const handle = lab.client.schedule.getHandle(id);
    await handle.pause('a person');
    const wanted = { ...schedule(id, change), ...(change.spec ? { spec: specInput({ model: 'another' }) } : {}) };
    expect(await applySchedule(lab.client, wanted)).toBe('changed');
    expect(await applySchedule(lab.client, wanted)).toBe('unchanged');
    expect((await handle.describe()).state).toMatchObject({ paused: true, note: 'a person' });
  });

  test.each<[string, Partial<ScheduleSpecInput>, RegExp]>([
    ['a cron', { cron: '45 3 1 jan *' }, /-01-01T03:45:00/],
    [
      'a calendar',
      { cron: undefined, calendar: { dayOfMonth: [1], hour: [3], minute: [30, 45], month: [1] } },
      /-01-01T03:30:00/,
    ],
  ])('has %s start at the times that it names', async (name, change, first) => {
    const { id } = schedule(`times-of-${name.replaceAll(' ', '-')}`);
    await applySchedule(lab.client, schedule(id, change));
    expect(await viewSchedule(lab.client, id)).toMatchObject({ next: expect.stringMatching(first) });
  });

  test('restores what somebody changed in Temporal', async () => {
    const wanted = schedule('edited');
    await applySchedule(lab.client, wanted);
    await lab.client.schedule
      .getHandle('edited')
      .update((there) => ({ ...there, spec: { intervals: [{ every: '1 hour' }] } }));
    expect(await applySchedule(lab.client, wanted)).toBe('changed');
    expect(await applySchedule(lab.client, wanted)).toBe('unchanged');
  });
});
