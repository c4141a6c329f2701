import type { JobOutcome } from './job.ts';

/** The facts of a Job's run that decide whether its artifacts are kept. */
export interface JobRun {
  readonly runId: string;
  readonly job: string;
  /** Undefined while the Job runs. */
  readonly endedAtMs?: number;
  readonly outcome?: JobOutcome;
}

export interface Retention {
  /** Older artifacts may be removed, unless something else needs them. */
  readonly keepDays: number;
  readonly nowMs: number;
  /** Open lifecycles of the model. Each may still reuse, evaluate or release any artifact. */
  readonly openLifecycles: readonly string[];
  /** The digests of weights, data set and evidence of every version with an alias, mapped to that alias. */
  readonly named: ReadonlyMap<string, string>;
}

export interface RetentionPlan {
  readonly remove: readonly JobRun[];
  readonly keep: readonly { readonly run: JobRun; readonly because: string }[];
}

const dayMs = 24 * 3_600_000;

/**
 * Lists the runs of one model whose artifacts are no longer needed. Artifacts that an alias names are kept at any age.
 * An open lifecycle, such as one under review, keeps all of them. Pure.
 */
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
