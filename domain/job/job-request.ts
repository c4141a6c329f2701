import type { JobOutcome } from './job.ts';
import type { JobSpec } from './job-spec.ts';
import type { JobFolder } from './stages.ts';
import type { JobIdentity } from '../names.ts';

/** The fields of a Job's spec that say where it runs and not what it computes. */
type Placement = JobFolder | 'runId' | 'wandb';

type Unplaced<S> = S extends unknown ? Omit<S, Placement> : never;

/** What a stage computes from what: equal values give equal results, so this is what reuse goes by. */
export type StageSpec = Unplaced<JobSpec>;

/** The spec of any stage, a team's own included. */
export type AnyStageSpec = Readonly<Record<string, unknown>> & { readonly stage: string };

export interface JobToRun {
  readonly identity: JobIdentity;
  readonly spec: AnyStageSpec;
  readonly maximumSeconds: number;
  readonly tracking: StageTracking;
  /** Why there is another attempt, and what it does otherwise; kept with its run. */
  readonly because?: string | undefined;
}

export interface StageTracking {
  readonly experiment: string;
  readonly parentRunId: string;
  /** Digests of what the spec names only by reference: code, data, base model. */
  readonly inputDigests: readonly string[];
  readonly reuse: boolean;
  /** Has the Job log to Weights & Biases, too. */
  readonly wandb?: boolean | undefined;
}

export interface JobReport {
  readonly outcome: JobOutcome;
  /** An earlier success with the same inputs and code stands in for this Job. */
  readonly reused: boolean;
}
