import type { Release } from './release.ts';

/** Holds `ReleaseProxySettings` as JSON. */
export const releaseProxyVariable = 'TUNELINE_RELEASE_PROXY';

/** The settings of the release proxy: the process between clients and the engine of one release. */
export interface ReleaseProxySettings {
  readonly release: Release;
  /** The text of the release's prompt version, which is applied to what clients send. */
  readonly template?: string;
  readonly engine: { readonly url: string; /** What it calls the model. */ readonly modelName: string };
  /** For clients: the OpenAI routes. */
  readonly port: number;
  /** For the worker and for probes: `releaseProxyRoutes`. It asks for no key; who reaches it the network decides. */
  readonly internalPort: number;
  /** Whose keys it takes, by their hashes; while there is no such file everyone may ask. */
  readonly keysPath: string;
  /** Told to end, it answers what is in flight, and ends the latest by then. */
  readonly drainSeconds: number;
}

/** What the internal port answers. */
export const releaseProxyRoutes = {
  /** 200 while the process lives. */
  health: '/healthz',
  /** 200 while the engine answers, too. */
  ready: '/readyz',
  /** What the engine says of its health: its probes come this way, because it listens to the release proxy alone. */
  engine: '/engine',
  /**
   * Answers once the release proxy was asked to end and no request is in flight. Only then is the engine asked to end.
   */
  drained: '/drained',
  /** As clients ask, without a key. */
  chat: '/v1/chat/completions',
  /** JSON `Observation[]` with `?since=` in ms. */
  observations: '/observations',
} as const;
