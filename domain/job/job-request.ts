import type { JobOutcome } from './job.ts';
import type { JobSpec } from './job-spec.ts';
import type { JobFolder } from './stages.ts';
import type { JobIdentity } from '../names.ts';

/** The fields of a Job's spec that say where the Job runs. They do not affect its result. */
type Placement = JobFolder | 'runId' | 'wandb';

type Unplaced<S> = S extends unknown ? Omit<S, Placement> : never;

/** The computation of a stage and its inputs. Equal values give equal results, so reuse depends on it. */
export type StageSpec = Unplaced<JobSpec>;

/** The spec of any stage, a team's own included. */
export type AnyStageSpec = Readonly<Record<string, unknown>> & { readonly stage: string };

export interface JobToRun {
  readonly identity: JobIdentity;
  readonly spec: AnyStageSpec;
  readonly maximumSeconds: number;
  readonly tracking: StageTracking;
  /** The reason for another attempt and its changed settings; kept with its run. */
  readonly because?: string | undefined;
}

export interface StageTracking {
  readonly experiment: string;
  readonly parentRunId: string;
  /** Digests of everything that the spec only refers to: code, data, base model. */
  readonly inputDigests: readonly string[];
  readonly reuse: boolean;
  /** If true, the Job logs to Weights & Biases, too. */
  readonly wandb?: boolean | undefined;
}

export interface JobReport {
  readonly outcome: JobOutcome;
  /** True if an earlier success with the same inputs and code replaces this Job. */
  readonly reused: boolean;
}
