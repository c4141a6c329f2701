import type { ArtifactStore } from '../domain/artifact-store.ts';
import type { JobOwner, JobRequest, JobRunner } from '../domain/job/job.ts';
import type { StageTable } from '../domain/job/stages.ts';
import type { EndpointHost } from '../domain/endpoint/release.ts';
import type { ReleaseRequest } from '../domain/endpoint/roll-out.ts';
import type { Schedules } from '../domain/lifecycle/schedule.ts';
import type { Tracking } from '../domain/lineage/tracking.ts';

/** What activities work with. The worker makes the real ones; a test may pass its own. */
export interface Dependencies {
  readonly runner: JobRunner;
  /** Has the Job watched from now on: its end completes the activity that waits for it. */
  readonly track: (request: JobRequest) => void;
  /** Whether an execution that asked for a Job still runs. */
  readonly isAwaited: (owner: JobOwner) => Promise<boolean>;
  readonly tracking: Tracking;
  readonly artifacts: ArtifactStore;
  readonly endpoints: EndpointHost;
  readonly endpointQueue: EndpointQueue;
  readonly schedules: Schedules;
  readonly workspace: Workspace;
  /** The product's stages if left out. */
  readonly stages?: StageTable | undefined;
  /** W3C `traceparent` of the activity that asks; undefined where it is not traced. */
  readonly traceparent?: () => string | undefined;
  /** Where people are told of reviews; a secret, for whoever knows it can post there. Nowhere if undefined. */
  readonly reviewWebhook?: string;
}

/** How an endpoint's execution is told something. */
export interface EndpointQueue {
  /** Starts the execution if there is none. */
  ask(request: ReleaseRequest): Promise<void>;
  withdraw(endpoint: string, requestId: string): Promise<void>;
}

export interface Workspace {
  /** What relative paths in a spec start from. */
  readonly root: string;
  /** Where `packaged:NAME` base models were imported to, one folder each. */
  readonly models: string;
  /** Where one runs the Jobs, which see no other folder of this machine than `models` and the artifacts. */
  readonly cluster?: { readonly gpusPerNode: number };
  /** Digest of the code that the Jobs run, with its lock. */
  readonly codeDigest: string;
  /** For people: the revision or version that the code came from. */
  readonly codeRevision: string;
}
