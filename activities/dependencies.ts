import type { ArtifactStore } from '../domain/artifact-store.ts';
import type { JobOwner, JobRequest, JobRunner } from '../domain/job/job.ts';
import type { StageTable } from '../domain/job/stages.ts';
import type { EndpointHost } from '../domain/endpoint/release.ts';
import type { ReleaseRequest } from '../domain/endpoint/roll-out.ts';
import type { Schedules } from '../domain/lifecycle/schedule.ts';
import type { Tracking } from '../domain/lineage/tracking.ts';

/** The interfaces that activities work with. The worker passes the real ones; a test may pass its own. */
export interface Dependencies {
  readonly runner: JobRunner;
  /** Makes the tracker follow the Job from now on. The end of the Job completes the activity that waits for it. */
  readonly track: (request: JobRequest) => void;
  /** True if the execution that asked for a Job still runs. */
  readonly isAwaited: (owner: JobOwner) => Promise<boolean>;
  readonly tracking: Tracking;
  readonly artifacts: ArtifactStore;
  readonly endpoints: EndpointHost;
  readonly endpointQueue: EndpointQueue;
  readonly schedules: Schedules;
  readonly workspace: Workspace;
  /** If undefined, the product's stage table. */
  readonly stages?: StageTable | undefined;
  /** W3C `traceparent` of the current activity; undefined if the activity is not traced. */
  readonly traceparent?: () => string | undefined;
  /**
   * The address for notifications about reviews. It is a secret, because anyone who knows it can post there. If
   * undefined, none are sent.
   */
  readonly reviewWebhook?: string;
}

/** Sends messages to an endpoint's execution. */
export interface EndpointQueue {
  /** Starts the execution if there is none. */
  ask(request: ReleaseRequest): Promise<void>;
  withdraw(endpoint: string, requestId: string): Promise<void>;
}

export interface Workspace {
  /** The folder that relative paths in a spec start from. */
  readonly root: string;
  /** The folder with the imported `packaged:NAME` base models, one folder each. */
  readonly models: string;
  /** Set if a cluster runs the Jobs. Of this machine's folders, its Jobs see only `models` and the artifacts. */
  readonly cluster?: { readonly gpusPerNode: number };
  /** Digest of the code that the Jobs run, including its lock file. */
  readonly codeDigest: string;
  /** For people: the revision or the version of that code. */
  readonly codeRevision: string;
}
