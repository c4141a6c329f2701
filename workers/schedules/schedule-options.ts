import { isDeepStrictEqual } from 'node:util';
import {
  MONTHS,
  type CalendarSpec,
  type DayOfWeek,
  type ScheduleDescription,
  type ScheduleOptions,
} from '@temporalio/client';
import { digestOf } from '../../domain/digest.ts';
import type { ScheduleSpec } from '../../domain/spec/schedule-spec.ts';
import { scheduleMemo, type StartedBy } from '../../domain/lifecycle/schedule.ts';
import { taskQueue } from '../config.ts';

/** The content of a schedule's file, with the lifecycle spec in place of the path. */
export interface LifecycleSchedule extends Omit<ScheduleSpec, 'spec'> {
  readonly spec: Readonly<Record<string, unknown>>;
}

const minuteMs = 60_000;
const overlaps = {
  skip: 'SKIP',
  bufferOne: 'BUFFER_ONE',
  bufferAll: 'BUFFER_ALL',
  cancelOther: 'CANCEL_OTHER',
  allowAll: 'ALLOW_ALL',
} as const;

/** The schedule for Temporal, except for its pause. */
export function optionsOf(schedule: LifecycleSchedule) {
  const { cron, calendar } = schedule;
  const comment = commentOf(schedule) ?? '';
  return {
    spec: {
      ...rhythmOf(schedule),
      cronExpressions: cron === undefined ? [] : [`${cron}#${comment}`],
      calendars: calendar ? [{ ...calendarOf(calendar), comment }] : [],
    },
    policies: policiesOf(schedule),
    action: actionOf(schedule),
  } satisfies Omit<ScheduleOptions, 'scheduleId'>;
}

/** True if Temporal has this schedule already. Temporal gives times back in another form, but keeps their comment. */
export function isApplied(schedule: LifecycleSchedule, { spec, policies, action }: ScheduleDescription): boolean {
  const { type, workflowType, workflowId, taskQueue: queue, args, memo } = action;
  const comment = commentOf(schedule);
  return isDeepStrictEqual(
    [comment === undefined ? [] : [comment], rhythmOf(schedule), [], policiesOf(schedule), actionOf(schedule)],
    [
      spec.calendars?.map((calendar) => calendar.comment),
      { intervals: spec.intervals, timezone: spec.timezone, jitter: spec.jitter ?? 0 },
      [spec.skip, spec.startAt, spec.endAt].flat().filter((limit) => limit !== undefined),
      policies,
      { type, workflowType, workflowId, taskQueue: queue, args, memo },
    ],
  );
}

/** The text that identifies the times. Temporal's UI shows it in place of the cron expression, as its users expect. */
const commentOf = ({ cron, calendar }: LifecycleSchedule): string | undefined =>
  cron?.trim() ?? (calendar && digestOf(calendar));

const rhythmOf = ({ interval, timeZone, jitterSeconds }: LifecycleSchedule) => ({
  intervals: interval ? [{ every: interval.everyMinutes * minuteMs, offset: interval.offsetMinutes * minuteMs }] : [],
  timezone: timeZone,
  jitter: jitterSeconds * 1000,
});

/**
 * Temporal's own pause would act on the first failure. The lifecycle counts failures and pauses the schedule itself.
 */
const policiesOf = ({ overlap, catchUpMinutes }: LifecycleSchedule) => ({
  overlap: overlaps[overlap],
  catchupWindow: catchUpMinutes * minuteMs,
  pauseOnFailure: false,
});

function actionOf({ id, spec, skip, pauseAfterFailures, note }: LifecycleSchedule) {
  // Temporal returns no undefined fields, and `isApplied` compares with its answer.
  const startedBy: StartedBy = {
    id,
    ...(pauseAfterFailures === undefined ? {} : { pauseAfterFailures }),
    ...(note === undefined ? {} : { note }),
  };
  return {
    type: 'startWorkflow' as const,
    workflowType: 'lifecycle',
    workflowId: id,
    taskQueue,
    args: [{ requester: `schedule ${id}`, ...spec, skip }],
    memo: { [scheduleMemo]: startedBy },
  };
}

const calendarOf = ({
  minute,
  hour,
  dayOfMonth,
  month,
  dayOfWeek,
}: NonNullable<ScheduleSpec['calendar']>): CalendarSpec => ({
  minute,
  hour,
  dayOfMonth: dayOfMonth ?? '*',
  month: month?.map((number) => MONTHS[number - 1] ?? 'JANUARY') ?? '*',
  dayOfWeek: dayOfWeek?.map((day) => day.toUpperCase() as DayOfWeek) ?? '*',
});
