import type { JobReport } from '../../domain/job/job-request.ts';
import type { JobRequest } from '../../domain/job/job.ts';

/** What the worker under test is started with. */
export interface JobWorkerSettings {
  readonly kubeconfigPath: string;
  readonly namespace: string;
  readonly temporalAddress: string;
  /** The bundled workflow: what webpack leaves in a worker's memory has nothing to do with its Jobs. */
  readonly bundlePath: string;
  /** The address that takes the records of Jobs with an MLflow run. */
  readonly mlflowUri: string;
}

export type JobWorkerOrder =
  { readonly do: 'create'; readonly requests: readonly JobRequest[] } | { readonly do: 'stop' };

export type JobWorkerWord =
  | { readonly what: 'ready' }
  | { readonly what: 'held' }
  | { readonly what: 'created'; readonly seconds: number }
  /** Temporal has accepted the end of this Job, at this moment of the machine's clock. */
  | { readonly what: 'completed'; readonly job: string; readonly atMs: number }
  /** The last word, once all is acknowledged. */
  | { readonly what: 'stopped'; readonly requests: number; readonly peakRssMiB: number };

export const benchTaskQueue = 'bench';
export const heldActivityId = 'held';

export interface HoldActivities {
  holdJob(): Promise<JobReport>;
}

/** Of the machine, not of the process: two processes agree on it. */
export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6;
