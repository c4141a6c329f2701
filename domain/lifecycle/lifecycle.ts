import type { Verdict } from '../gate/gate.ts';
import type { Stage } from '../job/stages.ts';
import type { Artifact, Wait } from '../job/job.ts';
import type { ReviewRequest } from '../review/review.ts';

/** The inputs of a lifecycle. Each has a digest, so that it cannot change unnoticed. */
export interface LifecycleInputs {
  /** The MLflow run that is the parent of every Job's run. */
  readonly runId: string;
  readonly data: Artifact;
  readonly baseModel: Artifact;
  readonly prompt: { readonly name: string; readonly version: string; readonly template: string };
  /** Digest of the Python package and its lock, because changed code may change a result. */
  readonly codeDigest: string;
  readonly codeRevision: string;
  /** The team's own tasks for lm-evaluation-harness. */
  readonly harnessTasks?: Artifact;
  /** Set if a Job has several GPUs per node; their processes share its batches. */
  readonly gpusPerNode?: number;
}

export type LifecycleResult =
  | ({ readonly model: string; readonly runId: string; readonly gate: Verdict } & (Promotion | Refusal))
  | UnchangedResult;

export interface Promotion {
  readonly verdict: 'promoted';
  readonly version: string;
  readonly endpoint: string;
  readonly endpointUrl: string;
}

export interface Refusal {
  readonly verdict: 'rejected';
  readonly by: RefusedBy;
  readonly reason: string;
}

/** The lifecycle did nothing: the same inputs already led to this version, which serves or was refused. */
export interface UnchangedResult {
  readonly model: string;
  readonly verdict: 'unchanged';
  readonly version: string;
  /** Why the version was refused; undefined if it serves. */
  readonly reason?: string;
}

/**
 * `stale`: the candidate changed between its approval and deploy. `endpoint`: it failed a trial or its canary, or
 * somebody withdrew it.
 */
export type RefusedBy = 'gate' | 'reviewer' | 'deadline' | 'stale' | 'endpoint';

/** The answer to the Query `status`, while a lifecycle runs and after its end. */
export interface LifecycleStatus {
  readonly model: string | undefined;
  readonly stage: Stage | 'check' | 'done';
  readonly attempt: number;
  readonly runId: string | undefined;
  /** The known reason why the stage's Job does not run yet. */
  readonly waiting: Wait | undefined;
  readonly finished: readonly FinishedStage[];
  readonly gate: Verdict | undefined;
  readonly awaitingReview: ReviewRequest | undefined;
}

export interface FinishedStage {
  readonly stage: Stage;
  readonly reused: boolean;
  readonly figures: Readonly<Record<string, number>>;
  /** The last reason why its Job had to wait. */
  readonly waitedFor?: string | undefined;
}

/** The outputs of a stage, by name. */
export interface StageOutputs {
  readonly outputs: Readonly<Record<string, Artifact>>;
}

/** Returns the output with this name from the last stage that has one. */
export const outputOf = (stages: readonly StageOutputs[], name: string): Artifact | undefined =>
  stages.findLast(({ outputs }) => outputs[name])?.outputs[name];
