import type { JobOutcome } from './job.ts';

/** A Job's run, as far as it decides whether what the Job wrote is kept. */
export interface JobRun {
  readonly runId: string;
  readonly job: string;
  /** Undefined while it runs. */
  readonly endedAtMs?: number;
  readonly outcome?: JobOutcome;
}

export interface Retention {
  /** What is older may go, if nothing else holds it. */
  readonly keepDays: number;
  readonly nowMs: number;
  /** Lifecycles of the model that are open: each may still reuse, judge or ship whatever is there. */
  readonly openLifecycles: readonly string[];
  /** Digests of weights, data set and evidence of every version that an alias names, with the alias. */
  readonly named: ReadonlyMap<string, string>;
}

export interface RetentionPlan {
  readonly remove: readonly JobRun[];
  readonly keep: readonly { readonly run: JobRun; readonly because: string }[];
}

const dayMs = 24 * 3_600_000;

/** What one model's Jobs wrote and nobody needs any more. An alias and an open lifecycle, such as one under review, hold what they name at any age. Pure. */
export function planRetention(runs: readonly JobRun[], retention: Retention): RetentionPlan {
  const judged = runs.map((run) => ({ run, because: reasonToKeep(run, retention) }));
  return {
    remove: judged.flatMap(({ run, because }) => (because === undefined ? [run] : [])),
    keep: judged.flatMap(({ run, because }) => (because === undefined ? [] : [{ run, because }])),
  };
}

function reasonToKeep(
  { endedAtMs, outcome }: JobRun,
  { keepDays, nowMs, openLifecycles, named }: Retention,
): string | undefined {
  const [open] = openLifecycles;
  if (open !== undefined) return `lifecycle ${open} is open`;
  if (endedAtMs === undefined) return 'its run has not ended';
  const outputs = outcome?.kind === 'succeeded' ? Object.values(outcome.outputs) : [];
  const alias = outputs.map(({ digest }) => named.get(digest)).find((held) => held !== undefined);
  if (alias !== undefined) return `${alias} names it`;
  if (nowMs - endedAtMs < keepDays * dayMs) return `it ended less than ${keepDays} days ago`;
  return undefined;
}
