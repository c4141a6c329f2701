import type { Release } from '../domain/endpoint/release.ts';

/** A running engine, and the release that it serves. */
export interface Upstream {
  /** Identifies the release. `Draw.except` uses it. */
  readonly key: string;
  readonly release: Release;
  /** The text of the release's prompt version, if it was prepared with one. */
  readonly template?: string;
  readonly url: string;
  /** The engine's name for the model. */
  readonly modelName: string;
}

export interface Draw {
  /** The position among the shares: 0 ≤ point < 1. */
  readonly point: number;
  /** Keys of releases that have failed this request. */
  readonly except: ReadonlySet<string>;
}

/** The running engines behind this process's endpoints, independent of who runs them. */
export interface Upstreams {
  /** Endpoints that have traffic, even if their engines do not run. */
  endpoints(): readonly string[];
  /** Releases that have traffic and a running engine. */
  serving(): readonly Release[];
  /** Selects a running engine by its share. It stays up until `done` is called. Undefined if none runs. */
  take(endpoint: string, draw: Draw): { readonly upstream: Upstream; readonly done: () => void } | undefined;
  /** Resolves once an engine of the endpoint's traffic runs, or when the signal aborts. */
  untilServing(endpoint: string, signal: AbortSignal): Promise<void>;
}
