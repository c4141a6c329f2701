import { mkdir, readFile, readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SmokeTestError, type Release } from '../domain/release.ts';
import type { Engine, LaunchEngine } from './engine.ts';

interface Running {
  readonly release: Release;
  readonly engine: Engine;
  /** Requests in flight, which an engine finishes before it is stopped. */
  inFlight: number;
}

/** A request in flight when its release is replaced gets so long to finish. */
const drainMs = 30_000;

/**
 * The endpoints of this machine: which release each serves, and the engines behind them. Which release
 * has the traffic is on disk, so a restart serves what was served before.
 */
export class LocalEndpoints {
  readonly #root: string;
  readonly #launch: LaunchEngine;
  readonly #log: (message: string) => void;
  readonly #running = new Map<string, Running>();
  readonly #traffic = new Map<string, Release>();
  #closing = false;

  constructor(options: { readonly root: string; readonly launch: LaunchEngine; readonly log: (message: string) => void }) {
    this.#root = options.root;
    this.#launch = options.launch;
    this.#log = options.log;
  }

  /** Starts again what had the traffic when this process last ended. */
  async restore(): Promise<void> {
    await mkdir(this.#root, { recursive: true, mode: 0o700 });
    for (const endpoint of await readdir(this.#root)) {
      const text = await readFile(this.#trafficPath(endpoint), 'utf8').catch(() => undefined);
      if (text === undefined) continue;
      const release = JSON.parse(text) as Release;
      this.#traffic.set(endpoint, release);
      void this.#keepServing(release);
    }
  }

  /** Idempotent: a release that runs already is only asked again. */
  async prepare(release: Release, smokePrompt: string): Promise<void> {
    const running = this.#running.get(keyOf(release)) ?? (await this.#start(release));
    const finding = await smokeTest(running.engine, smokePrompt);
    if (finding === undefined) return;
    if (!this.#hasTraffic(release)) await this.#stop(running);
    throw new SmokeTestError(`Version ${release.version} of ${release.model} did not pass its smoke test: ${finding} The endpoint ${release.endpoint} serves what it served before.`);
  }

  async switchTo(release: Release): Promise<void> {
    if (!this.#running.has(keyOf(release))) throw new Error(`release ${keyOf(release)} is not prepared`);
    const path = this.#trafficPath(release.endpoint);
    await mkdir(join(this.#root, release.endpoint), { recursive: true, mode: 0o700 });
    await writeFile(`${path}.new`, JSON.stringify(release));
    await rename(`${path}.new`, path);
    this.#traffic.set(release.endpoint, release);
  }

  async retireOthers(endpoint: string): Promise<void> {
    for (const running of [...this.#running.values()])
      if (running.release.endpoint === endpoint && !this.#hasTraffic(running.release)) await this.#stop(running);
  }

  releaseOf = (endpoint: string): Release | undefined => this.#traffic.get(endpoint);

  /** Releases that have the traffic and an engine that runs. */
  serving = (): Release[] => [...this.#traffic.values()].filter((release) => this.#running.has(keyOf(release)));

  /** Runs `use` on the engine that has the endpoint's traffic; undefined if none is running. */
  async withEngine<T>(endpoint: string, use: (engine: Engine, release: Release) => Promise<T>): Promise<T | undefined> {
    const release = this.#traffic.get(endpoint);
    const running = release && this.#running.get(keyOf(release));
    if (running === undefined) return undefined;
    running.inFlight += 1;
    try {
      return await use(running.engine, running.release);
    } finally {
      running.inFlight -= 1;
    }
  }

  async close(): Promise<void> {
    this.#closing = true;
    await Promise.all([...this.#running.values()].map(({ engine }) => engine.stop()));
  }

  async #start(release: Release): Promise<Running> {
    const folder = join(this.#root, release.endpoint, keyOf(release));
    const running: Running = { release, engine: await this.#launch({ release, folder }), inFlight: 0 };
    this.#running.set(keyOf(release), running);
    void running.engine.exited.then(() => this.#onExit(running));
    return running;
  }

  async #stop(running: Running): Promise<void> {
    this.#running.delete(keyOf(running.release));
    for (const until = performance.now() + drainMs; running.inFlight > 0 && performance.now() < until; ) await delay(50);
    await running.engine.stop();
  }

  #onExit(running: Running): void {
    if (this.#running.get(keyOf(running.release)) !== running) return;
    this.#running.delete(keyOf(running.release));
    if (this.#hasTraffic(running.release)) void this.#keepServing(running.release);
  }

  async #keepServing(release: Release): Promise<void> {
    for (let pauseMs = 1000; !this.#closing && this.#hasTraffic(release) && !this.#running.has(keyOf(release)); pauseMs = Math.min(pauseMs * 2, 60_000)) {
      try {
        this.#log(`starting the engine of ${release.endpoint}, version ${release.version}`);
        await this.#start(release);
      } catch (error) {
        this.#log(`the engine of ${release.endpoint} did not start, again in ${pauseMs} ms: ${String(error)}`);
        await delay(pauseMs);
      }
    }
  }

  #hasTraffic(release: Release): boolean {
    const serving = this.#traffic.get(release.endpoint);
    return serving !== undefined && keyOf(serving) === keyOf(release);
  }

  #trafficPath = (endpoint: string): string => join(this.#root, endpoint, 'traffic.json');
}

/** One release, one engine: the weights' digest tells apart what the version number may not. */
const keyOf = ({ endpoint, model, version, weights }: Release): string =>
  [endpoint, model, version, weights.digest.replace(/^sha256:/, '').slice(0, 12)].join('_');

/** Undefined if the engine answered, else a sentence. */
async function smokeTest({ url, modelName }: Engine, prompt: string): Promise<string | undefined> {
  const answer = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: modelName, messages: [{ role: 'user', content: prompt }], max_tokens: 16, temperature: 0 }),
    // A large model on a cold processor takes its time over the first answer.
    signal: AbortSignal.timeout(120_000),
  }).catch((error: unknown) => String(error));
  if (typeof answer === 'string') return `it could not be asked (${answer}).`;
  if (!answer.ok) return `it answered ${answer.status}.`;
  const { choices } = (await answer.json()) as { choices?: { message?: { content?: unknown } }[] };
  const content = choices?.[0]?.message?.content;
  return typeof content === 'string' && content.trim() !== '' ? undefined : 'its answer was empty.';
}
