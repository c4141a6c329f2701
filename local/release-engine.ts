import { setTimeout as delay } from 'node:timers/promises';
import type { Release } from '../domain/endpoint/release.ts';
import type { Engine } from './engine.ts';

/** A prepared release. It keeps running until it is retired, also after crashes of its engine or of this process. */
export interface Prepared {
  readonly release: Release;
  /** The text of the release's prompt version. */
  readonly template?: string;
}

export interface ReleaseEngineOptions {
  readonly prepared: Prepared;
  readonly launch: () => Promise<Engine>;
  readonly log: (message: string) => void;
  /** Called when the engine runs. */
  readonly onRunning: () => void;
}

/** Open requests get this long to finish when their release ends. */
const drainMs = 30_000;

/** One release and its engine. Restarts the engine whenever it exits by itself. */
export class ReleaseEngine {
  readonly #options: ReleaseEngineOptions;
  readonly #ended = new AbortController();
  #engine: Engine | undefined;
  #starting: Promise<void> | undefined;
  #inFlight = 0;
  #drained = Promise.withResolvers<undefined>();

  constructor(options: ReleaseEngineOptions) {
    this.#options = options;
  }

  get prepared(): Prepared {
    return this.#options.prepared;
  }

  /** Undefined while the engine starts. */
  get engine(): Engine | undefined {
    return this.#engine;
  }

  /** Resolves once the engine runs. Rejects if it did not start. Concurrent calls share one start. */
  start(): Promise<void> {
    if (this.#engine) return Promise.resolve();
    this.#starting ??= this.#launch().finally(() => (this.#starting = undefined));
    return this.#starting;
  }

  /** Retries until the engine runs or the release is ended. */
  async keepRunning(): Promise<void> {
    for (let pauseMs = 1000; !this.#ended.signal.aborted; pauseMs = Math.min(pauseMs * 2, 60_000)) {
      try {
        await this.start();
        return;
      } catch (error) {
        if (this.#ended.signal.aborted) return;
        this.#options.log(
          `the engine of ${this.#name()} did not start, next attempt in ${pauseMs} ms: ${String(error)}`,
        );
        await delay(pauseMs, undefined, { signal: this.#ended.signal }).catch(() => undefined);
      }
    }
  }

  /** Counts a request as open until the returned function is called. */
  begin(): () => void {
    this.#inFlight += 1;
    return () => {
      this.#inFlight -= 1;
      if (this.#inFlight === 0) this.#drained.resolve(undefined);
    };
  }

  /** Waits for the open requests, then stops the engine. No request may begin after this call. */
  async drain(): Promise<void> {
    this.#drained = Promise.withResolvers();
    if (this.#inFlight > 0) {
      const patience = new AbortController();
      await Promise.race([
        this.#drained.promise,
        delay(drainMs, undefined, { signal: patience.signal }).catch(() => undefined),
      ]);
      patience.abort();
    }
    await this.stop();
  }

  async stop(): Promise<void> {
    this.#ended.abort();
    await this.#starting?.catch(() => undefined);
    const engine = this.#engine;
    this.#engine = undefined;
    await engine?.stop();
  }

  async #launch(): Promise<void> {
    this.#options.log(`starting the engine of ${this.#name()}`);
    const engine = await this.#options.launch();
    if (this.#ended.signal.aborted) {
      await engine.stop();
      throw new Error(`the release ${this.#name()} was ended while it started`);
    }
    this.#engine = engine;
    void engine.exited.then(() => {
      if (this.#engine !== engine) return;
      this.#engine = undefined;
      void this.keepRunning();
    });
    this.#options.onRunning();
  }

  #name = (): string => `${this.prepared.release.endpoint}, version ${this.prepared.release.version}`;
}
