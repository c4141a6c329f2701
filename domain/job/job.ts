import type { Failure } from './failure.ts';
import type { JobTrace } from './job-trace.ts';

/** A reference to data: its URI, and the digest that the data must have. */
export interface Artifact {
  readonly uri: string;
  readonly digest: string;
}

export type JobOutcome =
  | {
      readonly kind: 'succeeded';
      readonly outputs: Readonly<Record<string, Artifact>>;
      readonly figures: Readonly<Record<string, number>>;
    }
  | { readonly kind: 'failed'; readonly failure: Failure };

/**
 * The activity that waits for the Job. The Job carries this reference, so that any worker can complete the activity.
 */
export interface JobOwner {
  readonly workflowId: string;
  readonly runId: string;
  readonly activityId: string;
}

export interface JobRequest {
  /** From `jobName`: the same lifecycle, stage and attempt always give the same name. */
  readonly name: string;
  readonly owner: JobOwner;
  /** One JSON object with a `stage`. It holds references only, never data. */
  readonly spec: Readonly<Record<string, unknown>> & { readonly stage: string };
  readonly specDigest: string;
  /** A Job that runs longer ends in a `Deadline` failure. */
  readonly maximumSeconds: number;
  /** The MLflow run that keeps the job record. */
  readonly runId?: string;
  /** The trace of the worker that created the Job. A worker that adopts the Job keeps it. */
  readonly trace?: JobTrace;
}

export type JobState =
  | { readonly phase: 'absent' }
  | { readonly phase: 'queued'; readonly wait?: Wait }
  | { readonly phase: 'running'; readonly sinceMs: number }
  /** `acknowledged`: the outcome was reported to the activity that waits for it. */
  | { readonly phase: 'finished'; readonly outcome: JobOutcome; readonly acknowledged?: true };

/** The reason why a Job does not run yet: admission by a queue, a node, its image, or the container's start. */
export interface Wait {
  readonly for: 'quota' | 'node' | 'image' | 'start';
  readonly sinceMs: number;
  /** The message of the system that makes the Job wait. */
  readonly message: string;
  /** Waiting can't help, for example because the image's name is wrong. */
  readonly hopeless?: boolean;
}

/** Describes for people the reason why a Job waits. */
export const describeWait = ({ for: what, message }: Wait): string => `${waits[what]}: ${message}`;
const waits: Readonly<Record<Wait['for'], string>> = {
  quota: 'waits for quota',
  node: 'waits for a node',
  image: 'waits for its image',
  start: 'waits for its container to start',
};

/** The reason to end a Job from outside. It is stored with the Job before its processes are killed. */
export type CancelCause = Extract<
  Failure['class'],
  'Deadline' | 'Stalled' | 'Deleted' | 'Unschedulable' | 'ImagePull' | 'BadConfig'
>;

/**
 * Runs Jobs. Implementations pass `test/contract/job-runner.ts`. Methods reject only if the runner can't be reached; a
 * failed Job is an outcome.
 */
export interface JobRunner {
  /**
   * Idempotent: adopts a Job of the same name and digest. The Job then counts as open and belongs to this owner.
   * Rejects with `JobConflictError` if the digest differs.
   */
  create(request: JobRequest): Promise<'created' | 'adopted'>;
  read(name: string): Promise<JobState>;
  /** Jobs whose outcome is not acknowledged yet, finished or not. */
  listOpen(): Promise<readonly JobRequest[]>;
  /** Finds an unacknowledged Job by name, even one that another worker created. */
  findOpen(name: string): Promise<JobRequest | undefined>;
  /** Yields names of Jobs that may have changed. These are hints: call `read` for the state. Ends when aborted. */
  watch(signal: AbortSignal): AsyncIterable<string>;
  /** Ends the Job with SIGTERM, then SIGKILL after the grace; resolves once it is confirmed gone. Idempotent. */
  cancel(name: string, cause: CancelCause, reason: string): Promise<void>;
  /** The last lines of the log, at most `maximumBytes`. */
  logTail(name: string, maximumBytes: number): Promise<string>;
  /** The events of the Job and its processes, one per line; empty if the runner keeps none. */
  events(name: string): Promise<string>;
  /** Marks the outcome as reported, so that `listOpen` omits the Job. Idempotent. */
  acknowledge(name: string): Promise<void>;
}

/** A Job that no execution waits for. */
export interface Orphan {
  readonly job: string;
  /** The execution that asked for it. */
  readonly workflowId: string;
}

/** Another Job with the same name has a different spec: two submitters disagree. */
export class JobConflictError extends Error {
  override readonly name = 'JobConflictError';
}

/** The contract between a Job's process and its runner. */
export const exitCodes = { done: 0, badSpec: 64, badData: 65, tryAgain: 75, killed: 137, terminated: 143 } as const;

/** The longest termination message that Kubernetes keeps. */
export const maximumOutcomeBytes = 4096;
