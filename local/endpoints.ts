import { mkdir, readFile, readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SmokeTestError, type ChatAnswer, type ChatRequest, type Observation, type Release, type Share, type Trial } from '../domain/release.ts';
import { releaseId } from '../domain/release-id.ts';
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
  readonly #traffic = new Map<string, readonly Share[]>();
  readonly #observations = new Map<string, Observation[]>();
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
      const shares = sharesFrom(JSON.parse(text) as Release | readonly Share[]);
      this.#traffic.set(endpoint, shares);
      for (const { release } of shares) void this.#keepServing(release);
    }
  }

  /** Idempotent: a release that runs already is only asked again. */
  async prepare(release: Release, { smokePrompt }: Trial): Promise<void> {
    const running = this.#running.get(keyOf(release)) ?? (await this.#start(release));
    const answer = await chat(running.engine, { messages: [{ role: 'user', content: smokePrompt }], maxTokens: 16 });
    const finding = answer.status === 0 ? 'it could not be asked.' : answer.status !== 200 ? `it answered ${answer.status}.` : answer.text.trim() === '' ? 'its answer was empty.' : undefined;
    if (finding === undefined) return;
    if (!this.#hasTraffic(release)) await this.#stop(running);
    throw new SmokeTestError(`Version ${release.version} of ${release.model} did not pass its smoke test: ${finding} The endpoint ${release.endpoint} serves what it served before.`);
  }

  async setTraffic(endpoint: string, shares: readonly Share[]): Promise<void> {
    const missing = shares.find(({ release }) => !this.#running.has(keyOf(release)));
    if (missing) throw new Error(`release ${keyOf(missing.release)} is not prepared`);
    const path = this.#trafficPath(endpoint);
    await mkdir(join(this.#root, endpoint), { recursive: true, mode: 0o700 });
    await writeFile(`${path}.new`, JSON.stringify(shares));
    await rename(`${path}.new`, path);
    this.#traffic.set(endpoint, shares);
  }

  async retireIdle(endpoint: string): Promise<void> {
    for (const running of [...this.#running.values()])
      if (running.release.endpoint === endpoint && !this.#hasTraffic(running.release)) await this.#stop(running);
  }

  async ask(release: Release, request: ChatRequest): Promise<ChatAnswer> {
    const running = this.#running.get(keyOf(release));
    if (!running) throw new Error(`release ${keyOf(release)} is not prepared`);
    return chat(running.engine, request);
  }

  observe = (endpoint: string, sinceMs: number): readonly Observation[] => (this.#observations.get(endpoint) ?? []).filter(({ atMs }) => atMs >= sinceMs);

  sharesOf = (endpoint: string): readonly Share[] => this.#traffic.get(endpoint) ?? [];

  serves = (endpoint: string): boolean => this.sharesOf(endpoint).length > 0;

  /** Releases that have traffic and an engine that runs. */
  serving = (): Release[] => [...this.#traffic.values()].flat().flatMap(({ release }) => (this.#running.has(keyOf(release)) ? [release] : []));

  /** Runs `use` on the engine of a release that the endpoint's traffic falls to; undefined if none is running. */
  async withEngine<T>(endpoint: string, use: (engine: Engine, release: Release) => Promise<T>): Promise<T | undefined> {
    const running = this.#draw(endpoint);
    if (running === undefined) return undefined;
    running.inFlight += 1;
    try {
      return await use(running.engine, running.release);
    } finally {
      running.inFlight -= 1;
    }
  }

  /** By the shares of those that run. */
  #draw(endpoint: string): Running | undefined {
    const able = this.sharesOf(endpoint).flatMap(({ release, percent }) => {
      const running = this.#running.get(keyOf(release));
      return running ? [{ running, percent }] : [];
    });
    let left = Math.random() * able.reduce((sum, { percent }) => sum + percent, 0);
    return able.find(({ percent }) => (left -= percent) < 0)?.running;
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

  #hasTraffic = (release: Release): boolean => this.sharesOf(release.endpoint).some((share) => keyOf(share.release) === keyOf(release));

  #trafficPath = (endpoint: string): string => join(this.#root, endpoint, 'traffic.json');
}

/** One release, one engine. */
const keyOf = (release: Release): string => `${release.endpoint}_${release.version}_${releaseId(release)}`;

/** What was written before traffic could be split is one release. */
const sharesFrom = (written: Release | readonly Share[]): readonly Share[] => ('endpoint' in written ? [{ release: written, percent: 100 }] : written);

async function chat({ url, modelName }: Engine, { messages, maxTokens }: ChatRequest): Promise<ChatAnswer> {
  const startedMs = performance.now();
  const answered = (status: number, text = '', completionTokens = 0): ChatAnswer => ({ status, text, ms: performance.now() - startedMs, completionTokens });
  try {
    const answer = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: modelName, messages, max_tokens: maxTokens, temperature: 0 }),
      // A large model on a cold processor takes its time over the first answer.
      signal: AbortSignal.timeout(120_000),
    });
    if (!answer.ok) return answered(answer.status);
    const { choices, usage } = (await answer.json()) as { choices?: { message?: { content?: unknown } }[]; usage?: { completion_tokens?: number } };
    const content = choices?.[0]?.message?.content;
    return answered(answer.status, typeof content === 'string' ? content : '', usage?.completion_tokens ?? 0);
  } catch {
    return answered(0);
  }
}
