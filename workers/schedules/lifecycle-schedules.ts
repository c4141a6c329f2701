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

/** Idempotent: what is as wanted is left alone, and what is paused stays paused. */
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
  /** Why it failed, in a line. */
  readonly reason?: string;
}

export interface ScheduleView {
  readonly id: string;
  readonly note?: string;
  /** The next start, jitter and all; none while it is paused, or where its calendar has no day left. */
  readonly next?: string;
  readonly paused: boolean;
  readonly pausedBecause?: string;
  readonly pauseAfterFailures?: number;
  readonly failuresInARow: number;
  /** The newest first, at most ten. */
  readonly started: readonly Started[];
  readonly skippedByOverlap: number;
  readonly missed: number;
}

/** Every schedule of a lifecycle, by name. */
export async function listSchedules(client: Client): Promise<ScheduleView[]> {
  const ids: string[] = [];
  for await (const { scheduleId, action } of client.schedule.list())
    if (action?.workflowType === 'lifecycle') ids.push(scheduleId);
  // The list lags behind: what was deleted a moment ago may still be on it.
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

/** Temporal answers once it has noted the wish; what came of it is seen within moments. */
const startsWithinMs = 10_000;

/** The lifecycle that was started; undefined where the one before still runs and the schedule's overlap policy says to wait or to leave it. */
export async function triggerSchedule(client: Client, id: string): Promise<string | undefined> {
  const handle = client.schedule.getHandle(id);
  const before = await handle.describe();
  // Without a policy the client says to let them overlap.
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

/** Starts what it would have started then, and says for which times. They would overlap, so they wait for each other. */
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

/** By its name alone, so that one that was reset is what it became. Undefined once Temporal has forgotten it. */
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
