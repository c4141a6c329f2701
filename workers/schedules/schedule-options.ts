import { isDeepStrictEqual } from 'node:util';
import { DAYS_OF_WEEK, MONTHS, type CalendarSpec, type CalendarSpecDescription, type ScheduleDescription, type ScheduleOptions } from '@temporalio/client';
import { everyTime, type CalendarTimes } from '../../domain/cron.ts';
import { calendarTimes, type ScheduleSpec } from '../../domain/schedule-spec.ts';
import { scheduleMemo, type StartedBy } from '../../domain/schedule.ts';
import { taskQueue } from '../config.ts';

/** A schedule's file, with the lifecycle spec that it names in it. */
export interface LifecycleSchedule extends Omit<ScheduleSpec, 'spec'> {
  readonly spec: Readonly<Record<string, unknown>>;
}

const minuteMs = 60_000;
const overlaps = { skip: 'SKIP', bufferOne: 'BUFFER_ONE', bufferAll: 'BUFFER_ALL', cancelOther: 'CANCEL_OTHER', allowAll: 'ALLOW_ALL' } as const;

/** What Temporal is told of a schedule, but for whether it is paused. */
export function optionsOf(schedule: LifecycleSchedule) {
  const times = calendarTimes(schedule);
  return {
    spec: { ...rhythmOf(schedule), calendars: times ? [toCalendar(times)] : [] },
    policies: policiesOf(schedule),
    action: actionOf(schedule),
  } satisfies Omit<ScheduleOptions, 'scheduleId'>;
}

/** Whether Temporal has been told just this. It gives calendars back in other words than it took them. */
export function isAsTold(schedule: LifecycleSchedule, { spec, policies, action }: ScheduleDescription): boolean {
  const times = calendarTimes(schedule);
  const { type, workflowType, workflowId, taskQueue: queue, args, memo } = action;
  return isDeepStrictEqual(
    [times ? [times] : [], rhythmOf(schedule), [], policiesOf(schedule), actionOf(schedule)],
    [
      spec.calendars?.map(timesOf),
      { intervals: spec.intervals, timezone: spec.timezone, jitter: spec.jitter ?? 0 },
      [spec.skip, spec.startAt, spec.endAt].flat().filter((limit) => limit !== undefined),
      policies,
      { type, workflowType, workflowId, taskQueue: queue, args, memo },
    ],
  );
}

const rhythmOf = ({ interval, timeZone, jitterSeconds }: LifecycleSchedule) => ({
  intervals: interval ? [{ every: interval.everyMinutes * minuteMs, offset: interval.offsetMinutes * minuteMs }] : [],
  timezone: timeZone,
  jitter: jitterSeconds * 1000,
});

/** Temporal's own pause comes after one failure; which failure is one too many the lifecycle finds out. */
const policiesOf = ({ overlap, catchUpMinutes }: LifecycleSchedule) => ({ overlap: overlaps[overlap], catchupWindow: catchUpMinutes * minuteMs, pauseOnFailure: false });

function actionOf({ id, spec, skip, pauseAfterFailures, note }: LifecycleSchedule) {
  const startedBy: StartedBy = { id, ...(pauseAfterFailures === undefined ? {} : { pauseAfterFailures }), ...(note === undefined ? {} : { note }) };
  return { type: 'startWorkflow' as const, workflowType: 'lifecycle', workflowId: id, taskQueue, args: [{ requester: `schedule ${id}`, ...spec, skip }], memo: { [scheduleMemo]: startedBy } };
}

function toCalendar(times: CalendarTimes): CalendarSpec {
  const field = <Value>(name: keyof CalendarTimes, valueOf: (value: number) => Value) => (times[name].length === everyTime[name].length ? ('*' as const) : times[name].map(valueOf));
  return {
    minute: field('minute', (minute) => minute),
    hour: field('hour', (hour) => hour),
    dayOfMonth: field('dayOfMonth', (day) => day),
    month: field('month', (month) => MONTHS[month - 1] ?? 'JANUARY'),
    dayOfWeek: field('dayOfWeek', (day) => DAYS_OF_WEEK[day] ?? 'SUNDAY'),
  };
}

const timesOf = ({ minute, hour, dayOfMonth, month, dayOfWeek }: CalendarSpecDescription): CalendarTimes => ({
  minute: valuesOf(minute, Number),
  hour: valuesOf(hour, Number),
  dayOfMonth: valuesOf(dayOfMonth, Number),
  month: valuesOf(month, (name) => MONTHS.indexOf(name) + 1),
  dayOfWeek: valuesOf(dayOfWeek, (name) => DAYS_OF_WEEK.indexOf(name)),
});

function valuesOf<Unit>(ranges: readonly { readonly start: Unit; readonly end: Unit; readonly step: number }[], numberOf: (unit: Unit) => number): number[] {
  return ranges.flatMap(({ start, end, step }) => {
    const [first, last] = [numberOf(start), numberOf(end)];
    return Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, index) => first + index * step);
  });
}
