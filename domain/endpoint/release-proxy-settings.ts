import type { Release } from './release.ts';

/** The environment variable that holds `ReleaseProxySettings` as JSON. */
export const releaseProxyVariable = 'TUNELINE_RELEASE_PROXY';

/** The settings of the release proxy: the process between clients and the engine of one release. */
export interface ReleaseProxySettings {
  readonly release: Release;
  /** The text of the release's prompt version; the proxy applies it to the requests of clients. */
  readonly template?: string;
  readonly engine: {
    readonly url: string;
    /** The name of the model in the API of the engine. */
    readonly modelName: string;
  };
  /** The port for clients; it serves the OpenAI routes. */
  readonly port: number;
  /**
   * The port for the worker and for probes; it serves `releaseProxyRoutes`. It asks for no key: the network decides who
   * can reach it.
   */
  readonly internalPort: number;
  /** The file with the hashes of the accepted keys. While it does not exist, no key is needed. */
  readonly keysPath: string;
  /** After a request to end, the proxy answers the requests in flight, and ends after this time at the latest. */
  readonly drainSeconds: number;
}

/** The routes of the internal port. */
export const releaseProxyRoutes = {
  /** 200 while the process lives. */
  health: '/healthz',
  /** 200 while the proxy lives and the engine answers. */
  ready: '/readyz',
  /**
   * Passes on the engine's own health. The engine's probes use this route, because the engine listens to the release
   * proxy only.
   */
  engine: '/engine',
  /**
   * Answers after the release proxy was asked to end and no request is in flight. Only then is the engine asked to end.
   */
  drained: '/drained',
  /** The same route as for clients, but without a key. */
  chat: '/v1/chat/completions',
  /** JSON `Observation[]` with `?since=` in ms. */
  observations: '/observations',
} as const;
