import { setTimeout as delay } from 'node:timers/promises';
import {
  ScheduleNotFoundError,
  WorkflowFailedError,
  WorkflowNotFoundError,
  type Client,
  type ScheduleDescription,
  type WorkflowExecutionDescription,
} from '@temporalio/client';
import { optionalDateToTs, tsToDate } from '@temporalio/common/lib/time.js';
import {
  failuresInARow,
  scheduleMemo,
  type Ending,
  type Schedules,
  type StartedBy,
} from '../../domain/lifecycle/schedule.ts';
import { verdictAttribute } from '../../workflows/search-attributes.ts';
import { isApplied, optionsOf, type LifecycleSchedule } from './schedule-options.ts';

export type Applied = 'created' | 'changed' | 'unchanged';

/** Idempotent: leaves an unchanged schedule alone, and keeps a paused one paused. */
export async function applySchedule(client: Client, schedule: LifecycleSchedule): Promise<Applied> {
  const handle = client.schedule.getHandle(schedule.id);
  const there = await unlessGone(handle.describe());
  if (!there) {
    await client.schedule.create({ scheduleId: schedule.id, ...optionsOf(schedule) });
    return 'created';
  }
  if (isApplied(schedule, there)) return 'unchanged';
  await handle.update(({ state }) => ({ ...optionsOf(schedule), state }));
  return 'changed';
}

export interface Started {
  readonly workflowId: string;
  readonly at: string;
  readonly ending: Ending;
  /** The cause of a failure, in one line. */
  readonly reason?: string;
}

export interface ScheduleView {
  readonly id: string;
  readonly note?: string;
  /** The next start, jitter included. Absent if the schedule is paused or its calendar has no day left. */
  readonly next?: string;
  readonly paused: boolean;
  readonly pausedBecause?: string;
  readonly pauseAfterFailures?: number;
  readonly failuresInARow: number;
  /** Newest first, at most ten. */
  readonly started: readonly Started[];
  readonly skippedByOverlap: number;
  readonly missed: number;
}

/** All schedules that start a lifecycle, by name. */
export async function listSchedules(client: Client): Promise<ScheduleView[]> {
  const ids: string[] = [];
  for await (const { scheduleId, action } of client.schedule.list())
    if (action?.workflowType === 'lifecycle') ids.push(scheduleId);
  // The list is eventually consistent: it may show a schedule that was just deleted.
  const views = await Promise.all(ids.sort().map((id) => unlessGone(viewSchedule(client, id))));
  return views.filter((view) => view !== undefined);
}

/** Throws `ScheduleNotFoundError`. */
export async function viewSchedule(client: Client, id: string): Promise<ScheduleView> {
  const { state, info, action } = await client.schedule.getHandle(id).describe();
  const startedBy = action.memo?.[scheduleMemo] as StartedBy | undefined;
  const started = await Promise.all(newestFirst(info).map((workflowId) => viewStarted(client, workflowId)));
  const shown = started.filter((one) => one !== undefined);
  const [next] = info.nextActionTimes;
  return {
    id,
    ...(startedBy?.note === undefined ? {} : { note: startedBy.note }),
    ...(next === undefined || state.paused ? {} : { next: next.toISOString() }),
    paused: state.paused,
    ...(state.paused && state.note ? { pausedBecause: state.note } : {}),
    ...(startedBy?.pauseAfterFailures === undefined ? {} : { pauseAfterFailures: startedBy.pauseAfterFailures }),
    failuresInARow: failuresInARow(shown.map(({ ending }) => ending)),
    started: shown,
    skippedByOverlap: info.numActionsSkippedOverlap,
    missed: info.numActionsMissedCatchupWindow,
  };
}

/** Temporal answers as soon as it has recorded the request. The outcome follows within moments. */
const startsWithinMs = 10_000;

/**
 * Starts the schedule's lifecycle now and returns its workflow ID. Undefined if an earlier one still runs and the
 * overlap policy queues or skips the start, or if nothing started within 10 s.
 */
export async function triggerSchedule(client: Client, id: string): Promise<string | undefined> {
  const handle = client.schedule.getHandle(id);
  const before = await handle.describe();
  // Without an explicit policy, the client would allow overlap.
  await handle.trigger(before.policies.overlap);
  const patience = AbortSignal.timeout(startsWithinMs);
  while (!patience.aborted) {
    const { info } = await handle.describe();
    if (info.numActionsTaken > before.info.numActionsTaken) return newestFirst(info)[0];
    if (info.numActionsSkippedOverlap > before.info.numActionsSkippedOverlap) return undefined;
    await delay(50);
  }
  return undefined;
}

/**
 * Starts the lifecycles that the schedule would have started between `from` and `to`, one after the other, and returns
 * those times.
 */
export async function backfillSchedule(
  client: Client,
  id: string,
  { from, to }: { readonly from: Date; readonly to: Date },
): Promise<Date[]> {
  const { namespace } = client.options;
  const handle = client.schedule.getHandle(id);
  await handle.describe();
  const { startTime } = await client.workflowService.listScheduleMatchingTimes({
    namespace,
    scheduleId: id,
    startTime: optionalDateToTs(from) ?? null,
    endTime: optionalDateToTs(to) ?? null,
  });
  if (startTime.length > 0) await handle.backfill({ start: from, end: to, overlap: 'BUFFER_ALL' });
  return startTime.map(tsToDate);
}

/** For activities; see `Schedules`. */
export const createSchedules = (client: Client): Schedules => ({
  async endings(id, butFor) {
    const there = await unlessGone(client.schedule.getHandle(id).describe());
    const ids = there ? newestFirst(there.info).filter((workflowId) => workflowId !== butFor) : [];
    const endings = await Promise.all(ids.map((workflowId) => describe(client, workflowId)));
    return endings.filter((description) => description !== undefined).map(endingOf);
  },
  async pause(id, note) {
    await unlessGone(client.schedule.getHandle(id).pause(note));
  },
});

async function viewStarted(client: Client, workflowId: string): Promise<Started | undefined> {
  const description = await describe(client, workflowId);
  if (!description) return undefined;
  const ending = endingOf(description);
  const reason = ending === 'failed' ? await reasonOf(client, workflowId) : undefined;
  return { workflowId, at: description.startTime.toISOString(), ending, reason };
}

function endingOf({ status, typedSearchAttributes }: WorkflowExecutionDescription): Ending {
  switch (status.name) {
    case 'RUNNING':
    case 'CONTINUED_AS_NEW':
      return 'running';
    case 'COMPLETED':
      return (typedSearchAttributes.get(verdictAttribute) ?? 'rejected') as Ending;
    case 'CANCELLED':
    case 'TERMINATED':
      return 'cancelled';
    default:
      return 'failed';
  }
}

const reasonOf = (client: Client, workflowId: string): Promise<string | undefined> =>
  client.workflow.result(workflowId).then(
    () => undefined,
    (error: unknown) =>
      error instanceof WorkflowFailedError ? (error.cause ?? error).message.split('\n', 1)[0] : undefined,
  );

const newestFirst = ({ recentActions }: ScheduleDescription['info']): string[] =>
  recentActions.map(({ action }) => action.workflow.workflowId).reverse();

/**
 * Looks up by workflow ID alone, so that a reset execution counts as the run that followed it. Undefined once Temporal
 * has deleted it.
 */
const describe = (client: Client, workflowId: string): Promise<WorkflowExecutionDescription | undefined> =>
  client.workflow
    .getHandle(workflowId)
    .describe()
    .catch((error: unknown) => {
      if (error instanceof WorkflowNotFoundError) return undefined;
      throw error;
    });

async function unlessGone<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return undefined;
    throw error;
  }
}
