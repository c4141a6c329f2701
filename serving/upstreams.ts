import type { Release } from '../domain/endpoint/release.ts';

/** An engine that runs, and the release that it serves. */
export interface Upstream {
  /** Tells one release from another, as `Draw.except` does. */
  readonly key: string;
  readonly release: Release;
  /** The text of the release's prompt version, where it was prepared with one. */
  readonly template?: string;
  readonly url: string;
  /** What the engine calls the model. */
  readonly modelName: string;
}

export interface Draw {
  /** Where among the shares: 0 ≤ point < 1. */
  readonly point: number;
  /** Keys of releases that have failed this request. */
  readonly except: ReadonlySet<string>;
}

/** The engines behind the endpoints of this process, whoever runs them. */
export interface Upstreams {
  /** Endpoints that have traffic, whether their engines run or not. */
  endpoints(): readonly string[];
  /** Releases that have traffic and an engine that runs. */
  serving(): readonly Release[];
  /** An engine by the shares of those that run, which outlives the request until `done` is called; undefined if none runs. */
  take(endpoint: string, draw: Draw): { readonly upstream: Upstream; readonly done: () => void } | undefined;
  /** Resolves once an engine of the endpoint's traffic runs, or the signal aborts. */
  untilServing(endpoint: string, signal: AbortSignal): Promise<void>;
}
