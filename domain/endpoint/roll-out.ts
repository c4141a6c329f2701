import type { LiveFinding } from './canary.ts';
import type { Artifact } from '../job/job.ts';
import type { LifecycleSpec } from '../spec/lifecycle-spec.ts';
import type { Release } from './release.ts';
import type { ServingState } from './serving-state.ts';

/** What is asked of an endpoint. One that is sent twice counts once, by its ID. */
export interface ReleaseRequest {
  readonly id: string;
  readonly endpoint: string;
  readonly model: string;
  /** A version; without one, whatever `champion` names when the request's turn comes. */
  readonly version?: string;
  /** Without trials and canary: back to what served before. */
  readonly atOnce?: true;
  /** Who asks for what reason, in words. */
  readonly because: string;
  /** The execution that waits for the reply. */
  readonly replyTo?: string;
}

/**
 * How it ended. `unchanged`: it was served already. `refused`: it failed a trial, its canary or was never approved, and
 * the endpoint serves what it served before. `withdrawn`: who asked, or a person, took it back in time.
 */
export type ReleaseReply = { readonly id: string } & (
  | { readonly ended: 'promoted' | 'unchanged'; readonly release: Release; readonly url: string }
  | { readonly ended: 'refused' | 'withdrawn'; readonly reason: string }
);

/** A registered version with all that a roll-out needs to know of it. */
export interface Candidate {
  readonly release: Release;
  readonly terms: ReleaseTerms;
}

/** Under which terms a version was approved; kept with it in the registry, so that it can be released again. */
export interface ReleaseTerms {
  readonly spec: LifecycleSpec;
  readonly dataset: Artifact;
  /** The table of the attacks that it was tried with. */
  readonly attacks?: Artifact | undefined;
  /** The lifecycle's run in MLflow. */
  readonly runId: string;
}

export interface RollOutStatus {
  readonly request: ReleaseRequest;
  readonly step: 'starting' | 'trying' | 'canary' | 'promoting' | 'taking back';
  /** Of new requests, while it is a canary. */
  readonly percent?: number;
  readonly findings: readonly LiveFinding[];
}

/** What the `status` query of an endpoint answers. */
export interface EndpointStatus {
  readonly endpoint: string;
  readonly servingState: ServingState;
  readonly rollingOut?: RollOutStatus;
  readonly queue: readonly ReleaseRequest[];
  /** The newest last. */
  readonly ended: readonly ReleaseReply[];
}
