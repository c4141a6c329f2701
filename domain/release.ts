import type { Artifact } from './job.ts';

/** What an endpoint serves: one model version with its prompt version, bound to the weights by digest. */
export interface Release {
  readonly endpoint: string;
  readonly model: string;
  readonly version: string;
  readonly weights: Artifact;
  readonly prompt: { readonly name: string; readonly version: string };
}

export interface ServedRelease extends Release {
  /** Where clients call the endpoint. */
  readonly url: string;
}

/**
 * Whatever serves releases. Every method is idempotent, so that a retry after a crash is harmless.
 * Rejects with `SmokeTestError` when the new release started but did not answer as it should.
 */
export interface EndpointHost {
  /** Starts the release beside the one that serves; resolves once it is ready and has answered a request. */
  prepare(release: Release, smokePrompt: string): Promise<void>;
  /** Sends all traffic to a prepared release; resolves once the endpoint confirms it. */
  switchTo(release: Release): Promise<ServedRelease>;
  /** Undefined when the endpoint serves nothing yet. */
  current(endpoint: string): Promise<ServedRelease | undefined>;
  /** Ends every release of the endpoint but the one that serves. */
  retireOthers(endpoint: string): Promise<void>;
}

export class SmokeTestError extends Error {
  override readonly name = 'SmokeTestError';
}
