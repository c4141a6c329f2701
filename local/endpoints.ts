import { EventEmitter, once } from 'node:events';
import { type Release, releaseId, type Share, type Trial } from '../domain/endpoint/release.ts';
import { findShareProblem, shareAt } from '../domain/endpoint/traffic-split.ts';
import type { Draw, Upstream, Upstreams } from '../serving/upstreams.ts';
import { EndpointFiles } from './endpoint-files.ts';
import type { Engine, LaunchEngine } from './engine.ts';
import { ReleaseEngine, type Prepared } from './release-engine.ts';

/** The request is invalid in the current state: the same request fails again. */
export class NotPreparedError extends Error {
  override readonly name = 'NotPreparedError';
}

export interface LocalEndpointsOptions {
  readonly root: string;
  readonly launch: LaunchEngine;
  readonly log: (message: string) => void;
}

/**
 * The endpoints of this machine: their prepared releases, engines and shares of traffic. Each change is written to disk
 * first, so that a restart at any moment restores what was served before.
 */
export class LocalEndpoints implements Upstreams {
  readonly #files: EndpointFiles;
  readonly #options: LocalEndpointsOptions;
  readonly #releases = new Map<string, ReleaseEngine>();
  readonly #traffic = new Map<string, readonly Share[]>();
  readonly #changes = new EventEmitter<{ running: [] }>().setMaxListeners(0);
  #writing: Promise<unknown> = Promise.resolve();

  constructor(options: LocalEndpointsOptions) {
    this.#options = options;
    this.#files = new EndpointFiles(options.root);
  }

  /** Starts the releases that were prepared when this process last ended. */
  async restore(): Promise<void> {
    for (const endpoint of await this.#files.endpoints()) {
      const { prepared, shares } = await this.#files.read(endpoint);
      this.#traffic.set(endpoint, shares);
      for (const one of prepared) void this.#add(one).keepRunning();
    }
  }

  /** Starts the release's engine. Idempotent: a running engine stays. */
  async prepare(release: Release, { template }: Pick<Trial, 'template'>): Promise<Upstream | undefined> {
    const key = keyOf(release);
    const isNew = !this.#releases.has(key);
    const added = this.#releases.get(key) ?? this.#add({ release, template });
    if (isNew) await this.#savePrepared(release.endpoint);
    try {
      await added.start();
    } catch (error) {
      if (isNew) await this.discard(release);
      throw error;
    }
    return this.upstreamOf(release);
  }

  /** Ends a release, unless it has traffic. */
  async discard(release: Release): Promise<void> {
    const running = this.#releases.get(keyOf(release));
    if (!running || this.#hasTraffic(release)) return;
    // Removes the release from traffic first and from disk last. After a crash in between, a restart starts it again,
    // and the next retirement ends it.
    this.#releases.delete(keyOf(release));
    await running.drain();
    await this.#savePrepared(release.endpoint);
  }

  /** Starts the engines of the shares if needed, and waits for them. */
  async setTraffic(endpoint: string, shares: readonly Share[]): Promise<void> {
    const problem = findShareProblem(endpoint, shares);
    if (problem) throw new NotPreparedError(problem);
    for (const { release } of shares) await this.#known(release).start();
    await this.#inTurn(() => this.#files.writeShares(endpoint, shares));
    this.#traffic.set(endpoint, shares);
    this.#changes.emit('running');
  }

  async retireIdle(endpoint: string): Promise<void> {
    const all = [...this.#releases.values()].filter(({ prepared: { release } }) => release.endpoint === endpoint);
    await Promise.all(all.map(({ prepared: { release } }) => this.discard(release)));
  }

  sharesOf = (endpoint: string): readonly Share[] => this.#traffic.get(endpoint) ?? [];

  endpoints = (): string[] => [...this.#traffic].flatMap(([endpoint, shares]) => (shares.length > 0 ? [endpoint] : []));

  serving = (): Release[] =>
    [...this.#traffic.values()]
      .flat()
      .flatMap(({ release }) => (this.#releases.get(keyOf(release))?.engine ? [release] : []));

  /** The upstream of a prepared release. Undefined while its engine starts. */
  upstreamOf(release: Release): Upstream | undefined {
    const { prepared, engine } = this.#known(release);
    return engine && upstream(prepared, engine);
  }

  take(endpoint: string, { point, except }: Draw): { upstream: Upstream; done: () => void } | undefined {
    const able = this.sharesOf(endpoint).flatMap(({ release, percent }) => {
      const running = this.#releases.get(keyOf(release));
      return running?.engine && !except.has(keyOf(release)) ? [{ running, engine: running.engine, percent }] : [];
    });
    const drawn = shareAt(able, point);
    return drawn && { upstream: upstream(drawn.running.prepared, drawn.engine), done: drawn.running.begin() };
  }

  async untilServing(endpoint: string, signal: AbortSignal): Promise<void> {
    const isServed = (): boolean => this.serving().some((release) => release.endpoint === endpoint);
    while (!signal.aborted && !isServed()) await once(this.#changes, 'running', { signal }).catch(() => undefined);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#releases.values()].map((release) => release.stop()));
  }

  #add(prepared: Prepared): ReleaseEngine {
    const { release } = prepared;
    const folder = this.#files.folder(release.endpoint, keyOf(release));
    const added = new ReleaseEngine({
      prepared,
      launch: () => this.#options.launch({ release, folder }),
      log: this.#options.log,
      onRunning: () => this.#changes.emit('running'),
    });
    this.#releases.set(keyOf(release), added);
    return added;
  }

  #known(release: Release): ReleaseEngine {
    const known = this.#releases.get(keyOf(release));
    if (!known) throw new NotPreparedError(`release ${keyOf(release)} is not prepared`);
    return known;
  }

  #savePrepared = (endpoint: string): Promise<void> =>
    this.#inTurn(() => {
      const prepared = [...this.#releases.values()].map((running) => running.prepared);
      return this.#files.writePrepared(
        endpoint,
        prepared.filter(({ release }) => release.endpoint === endpoint),
      );
    });

  /** Serializes writes, because two writes at the same time could mix in one file. */
  #inTurn(write: () => Promise<void>): Promise<void> {
    const written = this.#writing.then(write);
    this.#writing = written.catch(() => undefined);
    return written;
  }

  #hasTraffic = (release: Release): boolean =>
    this.sharesOf(release.endpoint).some((share) => keyOf(share.release) === keyOf(release));
}

const upstream = ({ release, template }: Prepared, { url, modelName }: Engine): Upstream => ({
  key: keyOf(release),
  release,
  url,
  modelName,
  template,
});

/** Identifies a release and its one engine. */
const keyOf = (release: Release): string => `${release.endpoint}_${release.version}_${releaseId(release)}`;
