/** How a lifecycle that a schedule started ended; a gate or a reviewer that refuses is a verdict, not a failure. */
export type Ending = 'running' | 'promoted' | 'rejected' | 'unchanged' | 'failed' | 'cancelled';

/** Which schedule started a lifecycle, and when it has to be paused; each carries it as its memo of this name. */
export const scheduleMemo = 'tunelineSchedule';
export interface StartedBy {
  readonly id: string;
  readonly pauseAfterFailures?: number;
  readonly note?: string;
}

/** How many failed one after another, up to the newest. What people cancelled, or what still runs, says neither. */
export function failuresInARow(newestFirst: readonly Ending[]): number {
  const told = newestFirst.filter((ending) => ending !== 'running' && ending !== 'cancelled');
  const row = told.findIndex((ending) => ending !== 'failed');
  return row < 0 ? told.length : row;
}

export interface FailedNow extends StartedBy {
  readonly workflowId: string;
  readonly reason: string;
}

/** Why a schedule is paused now that one more of its lifecycles failed; undefined while it may go on. */
export function pauseNote(
  { pauseAfterFailures = Infinity, workflowId, reason }: FailedNow,
  earlierNewestFirst: readonly Ending[],
): string | undefined {
  const failures = 1 + failuresInARow(earlierNewestFirst);
  if (failures < pauseAfterFailures) return undefined;
  const [first = ''] = reason.split('\n', 1);
  return `${failures} failed in a row, ${workflowId} the last: ${first}`;
}

/** What activities do with schedules; `workers/` implements it. */
export interface Schedules {
  /** Of the newest lifecycles that it started, but for this one; none where there is no such schedule any more. */
  endings(id: string, butFor: string): Promise<readonly Ending[]>;
  /** Idempotent; a schedule that is gone stays so. */
  pause(id: string, note: string): Promise<void>;
}
