import type { Release } from './release.ts';

/** Holds `FrontSettings` as JSON. */
export const frontVariable = 'TUNELINE_FRONT';

/** What the process in front of one release's engine is told, by whoever starts the two. */
export interface FrontSettings {
  readonly release: Release;
  /** The text of the release's prompt version, which is applied to what clients send. */
  readonly template?: string;
  readonly engine: { readonly url: string; /** What it calls the model. */ readonly modelName: string };
  /** For clients: the OpenAI routes. */
  readonly port: number;
  /** For the worker and for probes: `frontRoutes`. It asks for no key; who reaches it the network decides. */
  readonly internalPort: number;
  /** Whose keys it takes, by their hashes; while there is no such file everyone may ask. */
  readonly keysPath: string;
  /** Told to end, it answers what is in flight, and ends the latest by then. */
  readonly drainSeconds: number;
}

/** What the internal port answers. */
export const frontRoutes = {
  /** 200 while the process lives. */
  health: '/healthz',
  /** 200 while the engine answers, too. */
  ready: '/readyz',
  /** What the engine says of its health: its probes come this way, for it listens to the front alone. */
  engine: '/engine',
  /** Answers once the front was told to end and nothing is in flight any more: until then the engine is not told. */
  drained: '/drained',
  /** As clients ask, without a key. */
  chat: '/v1/chat/completions',
  /** JSON `Observation[]` with `?since=` in ms. */
  observations: '/observations',
} as const;
