import type { Verdict } from '../gate/gate.ts';
import type { Stage } from '../job/stages.ts';
import type { Artifact, Wait } from '../job/job.ts';
import type { ReviewRequest } from '../review/review.ts';

/** What a lifecycle works from, each thing with the digest that fixes it. */
export interface LifecycleInputs {
  /** The MLflow run that is the parent of every Job's run. */
  readonly runId: string;
  readonly data: Artifact;
  readonly baseModel: Artifact;
  readonly prompt: { readonly name: string; readonly version: string; readonly template: string };
  /** Digest of the Python package and its lock: a change of code is a change of result. */
  readonly codeDigest: string;
  readonly codeRevision: string;
  /** Tasks of the team's own for lm-evaluation-harness. */
  readonly harnessTasks?: Artifact;
  /** Where a Job has several; they share its batches. */
  readonly gpusPerNode?: number;
}

export type LifecycleResult =
  | ({ readonly model: string; readonly runId: string; readonly gate: Verdict } & (
      | {
          readonly verdict: 'promoted';
          readonly version: string;
          readonly endpoint: string;
          readonly endpointUrl: string;
        }
      | { readonly verdict: 'rejected'; readonly by: RefusedBy; readonly reason: string }
    ))
  | UnchangedResult;

/** It would only have come to the version that serves, or to one that was refused, and so did nothing. */
export interface UnchangedResult {
  readonly model: string;
  readonly verdict: 'unchanged';
  readonly version: string;
  /** Of one that was refused. */
  readonly reason?: string;
}

/**
 * `stale`: what was approved was not there any more when it was to be deployed. `endpoint`: it failed a trial or its
 * canary, or somebody took it back.
 */
export type RefusedBy = 'gate' | 'reviewer' | 'deadline' | 'stale' | 'endpoint';

/** What the `status` query answers while a lifecycle runs and after. */
export interface LifecycleStatus {
  readonly model: string | undefined;
  readonly stage: Stage | 'check' | 'done';
  readonly attempt: number;
  readonly runId: string | undefined;
  /** What keeps the stage's Job from running, as far as is known. */
  readonly waiting: Wait | undefined;
  readonly finished: readonly FinishedStage[];
  readonly gate: Verdict | undefined;
  readonly awaitingReview: ReviewRequest | undefined;
}

export interface FinishedStage {
  readonly stage: Stage;
  readonly reused: boolean;
  readonly figures: Readonly<Record<string, number>>;
  /** The last thing that its Job had to wait for. */
  readonly waitedFor?: string | undefined;
}

/** What a stage left, by name. */
export interface StageOutputs {
  readonly outputs: Readonly<Record<string, Artifact>>;
}

/** What the last stage left that left something of this name. */
export const outputOf = (stages: readonly StageOutputs[], name: string): Artifact | undefined =>
  stages.findLast(({ outputs }) => outputs[name])?.outputs[name];
