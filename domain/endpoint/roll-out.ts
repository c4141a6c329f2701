import type { LiveFinding } from './canary.ts';
import type { Artifact } from '../job/job.ts';
import type { LifecycleSpec } from '../spec/lifecycle-spec.ts';
import type { Release } from './release.ts';
import type { ServingState } from './serving-state.ts';

/** A request to release a version on an endpoint. A request that is sent twice counts once, by its ID. */
export interface ReleaseRequest {
  readonly id: string;
  readonly endpoint: string;
  readonly model: string;
  /** If undefined, the endpoint releases the version that `champion` names when it handles the request. */
  readonly version?: string;
  /** Skip the trials and the canary: the version served before. */
  readonly atOnce?: true;
  /** For people: who asks, and why. */
  readonly because: string;
  /** The execution that waits for the reply. */
  readonly replyTo?: string;
}

/**
 * The result of a request. `unchanged`: the endpoint served the version already. `refused`: the version was never
 * approved, or it failed a trial or its canary; the endpoint serves what it served before. `withdrawn`: the requester
 * or a person withdrew the request in time.
 */
export type ReleaseReply = { readonly id: string } & (
  | { readonly ended: 'promoted' | 'unchanged'; readonly release: Release; readonly url: string }
  | { readonly ended: 'refused' | 'withdrawn'; readonly reason: string }
);

/** A registered version with everything that its roll-out needs. */
export interface Candidate {
  readonly release: Release;
  readonly terms: ReleaseTerms;
}

/**
 * The terms under which a version was approved. The registry keeps them with the version, so that it can be released
 * again.
 */
export interface ReleaseTerms {
  readonly spec: LifecycleSpec;
  readonly dataset: Artifact;
  /** The table of the attacks that evaluate tried on the version. */
  readonly attacks?: Artifact | undefined;
  /** The lifecycle's run in MLflow. */
  readonly runId: string;
}

export interface RollOutStatus {
  readonly request: ReleaseRequest;
  readonly step: 'starting' | 'trying' | 'canary' | 'promoting' | 'taking back';
  /** The percentage of new requests that the canary gets. */
  readonly percent?: number;
  readonly findings: readonly LiveFinding[];
}

/** The answer to an endpoint's Query `status`. */
export interface EndpointStatus {
  readonly endpoint: string;
  readonly servingState: ServingState;
  readonly rollingOut?: RollOutStatus;
  readonly queue: readonly ReleaseRequest[];
  /** The newest is last. */
  readonly ended: readonly ReleaseReply[];
}
