import { digestOf } from '../digest.ts';
import type { Artifact } from '../job/job.ts';
import type { ServingSettings } from '../serving/serving-settings.ts';

/** What an endpoint serves: one model version with its prompt version, bound to the weights by digest. */
export interface Release {
  readonly endpoint: string;
  readonly model: string;
  readonly version: string;
  readonly weights: Artifact;
  readonly prompt: { readonly name: string; readonly version: string };
  /** The defaults where a release has none. */
  readonly serving?: ServingSettings;
}

/** Identifies a release of an endpoint: 12 hex digits over all that decides its answers. */
export const releaseId = ({ endpoint: _endpoint, weights, ...rest }: Release): string =>
  digestOf({ ...rest, weights: weights.digest }).slice(7, 19);

/** How many of a hundred new requests a release gets. */
export interface Share {
  readonly release: Release;
  readonly percent: number;
}

export interface Traffic {
  /** Where clients call the endpoint. */
  readonly url: string;
  /** Whole percents above 0, in all 100; empty while the endpoint serves nothing yet. */
  readonly shares: readonly Share[];
}

/** What a release has to show before it may have traffic. */
export interface Trial {
  readonly smokePrompt: string;
  /** The text of the release's prompt version, which the server applies. */
  readonly template?: string;
}

export interface ChatRequest {
  readonly messages: readonly { readonly role: string; readonly content: string }[];
  readonly maxTokens: number;
}

export interface ChatAnswer {
  /** Of HTTP; 0 where no answer came. */
  readonly status: number;
  readonly text: string;
  readonly ms: number;
  readonly completionTokens: number;
}

/** One request that a release answered or failed; nothing of its text. */
export interface Observation {
  readonly id: string;
  readonly atMs: number;
  /** Whose: `releaseId`. */
  readonly release: string;
  /** Of HTTP; 0 where its engine broke off. What a client saw may be better: another release may have answered instead. */
  readonly status: number;
  readonly ms: number;
  readonly promptCharacters: number;
  readonly answerCharacters: number;
  readonly completionTokens: number;
  readonly refused: boolean;
  /** Share of the answer's 4-grams that stood in it before. */
  readonly repetition: number;
  /** Which guard stopped or changed it. */
  readonly guard?: 'input' | 'output';
  /** Of feedback that came since: -1 to 1. */
  readonly rating?: number;
  /** Of the prompt: domain/monitoring/text-embedding.ts. */
  readonly embedding?: readonly number[];
}

/**
 * Whatever serves releases. Every method is idempotent, so that a retry after a crash is harmless.
 */
export interface EndpointHost {
  /** Starts the release beside those that serve; resolves once it is ready and has answered. Rejects with `SmokeTestError` if it did not answer as it should. */
  prepare(release: Release, trial: Trial): Promise<void>;
  /** Every release must be prepared. Resolves once the endpoint confirms. */
  setTraffic(endpoint: string, shares: readonly Share[]): Promise<Traffic>;
  traffic(endpoint: string): Promise<Traffic>;
  /** Asks one release that is prepared, whether it has traffic or not; what goes wrong is in the answer's status. */
  ask(release: Release, request: ChatRequest): Promise<ChatAnswer>;
  /** What happened to the endpoint's requests since then, the newest 10,000 at most. */
  observe(endpoint: string, sinceMs: number): Promise<readonly Observation[]>;
  /** Ends every release of the endpoint that has no traffic, once its requests in flight are answered. */
  retireIdle(endpoint: string): Promise<void>;
}

export class SmokeTestError extends Error {
  override readonly name = 'SmokeTestError';
}
