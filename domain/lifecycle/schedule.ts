/** The end of a lifecycle that a schedule started. A refusal by the gate or a reviewer is a verdict, not a failure. */
export type Ending = 'running' | 'promoted' | 'rejected' | 'unchanged' | 'failed' | 'cancelled';

/**
 * The schedule that started a lifecycle, and its limit of failures. Each lifecycle carries it in the memo of this name.
 */
export const scheduleMemo = 'tunelineSchedule';
export interface StartedBy {
  readonly id: string;
  readonly pauseAfterFailures?: number;
  readonly note?: string;
}

/** Counts the newest failures without a success between them. Cancelled and running lifecycles are ignored. */
export function failuresInARow(newestFirst: readonly Ending[]): number {
  const told = newestFirst.filter((ending) => ending !== 'running' && ending !== 'cancelled');
  const row = told.findIndex((ending) => ending !== 'failed');
  return row < 0 ? told.length : row;
}

export interface FailedNow extends StartedBy {
  readonly workflowId: string;
  readonly reason: string;
}

/** Returns the reason to pause a schedule after one more failure; undefined while the schedule may go on. */
export function pauseNote(
  { pauseAfterFailures = Infinity, workflowId, reason }: FailedNow,
  earlierNewestFirst: readonly Ending[],
): string | undefined {
  const failures = 1 + failuresInARow(earlierNewestFirst);
  if (failures < pauseAfterFailures) return undefined;
  const [first = ''] = reason.split('\n', 1);
  return `${failures} failed in a row, ${workflowId} the last: ${first}`;
}

/** The operations on schedules that activities need; `workers/` implements them. */
export interface Schedules {
  /**
   * The endings of the newest lifecycles that the schedule started, without `butFor`; empty if the schedule does not
   * exist.
   */
  endings(id: string, butFor: string): Promise<readonly Ending[]>;
  /** Idempotent. Does nothing if the schedule does not exist. */
  pause(id: string, note: string): Promise<void>;
}
