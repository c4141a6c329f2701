import type { Failure } from './failure.ts';
import type { JobTrace } from './job-trace.ts';

/** A piece of data by reference: where it is and what it must hash to. */
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

/** Whom to tell when the Job ends: the Job carries it, so that any worker can take over. */
export interface JobOwner {
  readonly workflowId: string;
  readonly runId: string;
  readonly activityId: string;
}

export interface JobRequest {
  /** From `jobName`: the same lifecycle, stage and attempt always give the same name. */
  readonly name: string;
  readonly owner: JobOwner;
  /** One JSON object with a `stage`; references only, never data. */
  readonly spec: Readonly<Record<string, unknown>> & { readonly stage: string };
  readonly specDigest: string;
  /** Running longer than this ends in a `Deadline` failure. */
  readonly maximumSeconds: number;
  /** The MLflow run that keeps the job record. */
  readonly runId?: string;
  /** Of whoever made the Job; who adopts it leaves this as it is. */
  readonly trace?: JobTrace;
}

export type JobState =
  | { readonly phase: 'absent' }
  | { readonly phase: 'queued'; readonly wait?: Wait }
  | { readonly phase: 'running'; readonly sinceMs: number }
  /** `acknowledged`: somebody has told whoever waited for it. */
  | { readonly phase: 'finished'; readonly outcome: JobOutcome; readonly acknowledged?: true };

/** What keeps a Job from running: admission by a queue, a node to run on, its image, or the container's start. */
export interface Wait {
  readonly for: 'quota' | 'node' | 'image' | 'start';
  readonly sinceMs: number;
  /** In the words of whoever makes it wait. */
  readonly message: string;
  /** No time will help: the image's name is wrong, for instance. */
  readonly hopeless?: boolean;
}

/** In the words of a person: what a Job waits for. */
export const describeWait = ({ for: what, message }: Wait): string => `${waits[what]}: ${message}`;
const waits: Readonly<Record<Wait['for'], string>> = {
  quota: 'waits for quota',
  node: 'waits for a node',
  image: 'waits for its image',
  start: 'waits for its container to start',
};

/** Why a Job is being ended from outside; kept with the Job before anything is killed. */
export type CancelCause = Extract<
  Failure['class'],
  'Deadline' | 'Stalled' | 'Deleted' | 'Unschedulable' | 'ImagePull' | 'BadConfig'
>;

/**
 * Whatever runs Jobs. Implementations pass `test/contract/job-runner.ts`.
 * Methods reject only when the runner can't be reached; a Job's own failure is an outcome.
 */
export interface JobRunner {
  /**
   * Idempotent: adopts a Job of the same name and digest, which from then on is open and this owner's.
   * Rejects with `JobConflictError` if the digest differs.
   */
  create(request: JobRequest): Promise<'created' | 'adopted'>;
  read(name: string): Promise<JobState>;
  /** Jobs whose outcome was not acknowledged yet, finished or not. */
  listOpen(): Promise<readonly JobRequest[]>;
  /** One of those by its name, which whoever watches may never have heard of. */
  findOpen(name: string): Promise<JobRequest | undefined>;
  /** Names of Jobs that may have changed. Hints only: `read` tells the truth. Ends when aborted. */
  watch(signal: AbortSignal): AsyncIterable<string>;
  /** Ends the Job with SIGTERM, then SIGKILL after the grace; resolves once it is confirmed gone. Idempotent. */
  cancel(name: string, cause: CancelCause, reason: string): Promise<void>;
  /** The last lines of the log, at most `maximumBytes`. */
  logTail(name: string, maximumBytes: number): Promise<string>;
  /** What others did with the Job and its processes, a line for each; empty where nobody keeps that. */
  events(name: string): Promise<string>;
  /** The outcome was reported: the runner need not list the Job any more. Idempotent. */
  acknowledge(name: string): Promise<void>;
}

/** A Job that no execution waits for. */
export interface Orphan {
  readonly job: string;
  /** The execution that asked for it. */
  readonly workflowId: string;
}

/** The name is taken by a Job with another spec: two submitters disagree on what it is. */
export class JobConflictError extends Error {
  override readonly name = 'JobConflictError';
}

/** The contract between a Job's process and whatever runs it. */
export const exitCodes = { done: 0, badSpec: 64, badData: 65, tryAgain: 75, killed: 137, terminated: 143 } as const;

/** Kubernetes keeps no longer termination message. */
export const maximumOutcomeBytes = 4096;
