import { digestOf } from '../digest.ts';
import type { Artifact } from '../job/job.ts';
import type { ServingSettings } from '../serving/serving-settings.ts';

/** One model version with its prompt version, as an endpoint serves it. The digest binds it to its weights. */
export interface Release {
  readonly endpoint: string;
  readonly model: string;
  readonly version: string;
  readonly weights: Artifact;
  readonly prompt: { readonly name: string; readonly version: string };
  /** If undefined, the release is served with the default settings. */
  readonly serving?: ServingSettings;
}

/** Identifies a release of an endpoint: 12 hex digits of a digest over everything that determines its answers. */
export const releaseId = ({ endpoint: _endpoint, weights, ...rest }: Release): string =>
  digestOf({ ...rest, weights: weights.digest }).slice(7, 19);

/** The percentage of new requests that a release gets. */
export interface Share {
  readonly release: Release;
  readonly percent: number;
}

export interface Traffic {
  /** The address that clients call. */
  readonly url: string;
  /** Whole percentages above 0 that add up to 100; empty while the endpoint serves nothing. */
  readonly shares: readonly Share[];
}

/** The smoke test that a release must pass before it may get traffic. */
export interface Trial {
  readonly smokePrompt: string;
  /** The text of the release's prompt version; the server applies it. */
  readonly template?: string;
}

export interface ChatRequest {
  readonly messages: readonly { readonly role: string; readonly content: string }[];
  readonly maxTokens: number;
}

export interface ChatAnswer {
  /** The HTTP status; 0 if no answer came. */
  readonly status: number;
  readonly text: string;
  readonly ms: number;
  readonly completionTokens: number;
}

/** The facts of one request to a release, whether it succeeded or failed; without any of its text. */
export interface Observation {
  readonly id: string;
  readonly atMs: number;
  /** The release that got the request, as `releaseId`. */
  readonly release: string;
  /**
   * The HTTP status; 0 if the engine broke off. The client may have got a better one, because another release may have
   * answered instead.
   */
  readonly status: number;
  readonly ms: number;
  readonly promptCharacters: number;
  readonly answerCharacters: number;
  readonly completionTokens: number;
  readonly refused: boolean;
  /** The share of the answer's 4-grams that are repetitions of earlier ones. */
  readonly repetition: number;
  /** The guard that stopped or changed the request or its answer. */
  readonly guard?: 'input' | 'output';
  /** The rating from later feedback, from -1 to 1. */
  readonly rating?: number;
  /** The embedding of the prompt: domain/monitoring/text-embedding.ts. */
  readonly embedding?: readonly number[];
}

/** Serves releases. Every method is idempotent, so that a retry after a crash is harmless. */
export interface EndpointHost {
  /**
   * Starts the release beside those that serve. Resolves once it is ready and has answered. Rejects with
   * `SmokeTestError` if its answer is wrong.
   */
  prepare(release: Release, trial: Trial): Promise<void>;
  /** Every release must be prepared. Resolves once the endpoint confirms. */
  setTraffic(endpoint: string, shares: readonly Share[]): Promise<Traffic>;
  traffic(endpoint: string): Promise<Traffic>;
  /** Sends a request to one prepared release, with or without traffic. A failure is in the status of the answer. */
  ask(release: Release, request: ChatRequest): Promise<ChatAnswer>;
  /** The observations of the endpoint's requests since then: the newest 10,000 at most. */
  observe(endpoint: string, sinceMs: number): Promise<readonly Observation[]>;
  /** Ends every release of the endpoint that has no traffic, after its requests in flight are answered. */
  retireIdle(endpoint: string): Promise<void>;
}

export class SmokeTestError extends Error {
  override readonly name = 'SmokeTestError';
}
