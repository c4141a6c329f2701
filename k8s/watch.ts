import { setTimeout as delay } from 'node:timers/promises';
import { Watch, type KubeConfig, type KubernetesListObject, type KubernetesObject } from '@kubernetes/client-node';

export interface WatchClocks {
  /** Without a byte for so long, the connection counts as half-open. The server sends a bookmark about once a minute. */
  readonly inactivityMs: number;
  /** However well the watch goes, everything is listed again this often. */
  readonly relistMs: number;
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
}

export const watchClocks: WatchClocks = {
  inactivityMs: 150_000,
  relistMs: 300_000,
  firstPauseMs: 200,
  longestPauseMs: 30_000,
};

/** Part of a list. */
export interface Page {
  readonly limit: number;
  readonly _continue?: string;
}

/** Thousands of objects in one reply would take more memory than all that is kept of them. */
const pageSize = 500;

/** A list in parts, all of one moment. */
export async function* pagesOf<T extends KubernetesObject>(
  list: (page: Page) => Promise<KubernetesListObject<T>>,
): AsyncGenerator<KubernetesListObject<T>> {
  let next: string | undefined;
  do {
    const page = await list({ limit: pageSize, _continue: next });
    yield page;
    next = page.metadata?._continue;
  } while (next);
}

export interface Watched<T extends KubernetesObject> {
  readonly kubeConfig: KubeConfig;
  readonly path: string;
  readonly labelSelector: string;
  readonly list: (page: Page) => Promise<KubernetesListObject<T>>;
  /** What the copy keeps of each; all of it where left out. */
  readonly keep?: (object: T) => T;
  /** What `group` finds it by. */
  readonly groupOf?: (object: T) => string | undefined;
  /** An object appeared, changed or went. */
  readonly onChange: (object: T) => void;
  /** A watch stands: time to `announce` what a list has shown. */
  readonly onOpen: () => void;
  readonly onError: (error: unknown) => void;
  readonly clocks: WatchClocks;
}

/**
 * A copy of a collection, kept up to date by list and watch until the signal. It resumes where a
 * connection broke off and lists again where the server no longer knows that place (410).
 */
export class Mirror<T extends KubernetesObject> {
  readonly #watched: Watched<T>;
  readonly #objects = new Map<string, T>();
  readonly #groups = new Map<string, Map<string, T>>();
  readonly #unannounced = new Map<string, T>();
  #live = false;

  constructor(watched: Watched<T>) {
    this.#watched = watched;
  }

  /**
   * Whether the copy says anything: a watch stands, or ended as it should and the next is about to. To ask the server
   * for each of thousands of objects meanwhile would be the greater harm.
   */
  get live(): boolean {
    return this.#live;
  }

  get(name: string): T | undefined {
    return this.#objects.get(name);
  }

  group(name: string): T[] {
    return [...(this.#groups.get(name)?.values() ?? [])];
  }

  /** What a reply just showed, ahead of the watch. */
  put(object: T): void {
    const name = object.metadata?.name;
    if (name && this.#live && !isOlder(object, this.#objects.get(name))) this.#set(name, this.#kept(object));
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clocks, onError } = this.#watched;
    let from: string | undefined;
    let listedAt = 0;
    let pauseMs = clocks.firstPauseMs;
    while (!signal.aborted) {
      try {
        if (from === undefined || Date.now() - listedAt > clocks.relistMs) {
          from = await this.#relist();
          listedAt = Date.now();
        }
        const { lastVersion, events } = await this.#stream(from, signal);
        from = lastVersion;
        if (events > 0) pauseMs = clocks.firstPauseMs;
      } catch (error) {
        // A version that the server forgot, and anything unclear: begin with a list.
        from = undefined;
        this.#live = false;
        if (!signal.aborted) onError(error);
      }
      // Many workers that lost one server should not come back in one moment.
      await delay(pauseMs * (0.5 + Math.random()), undefined, { signal }).catch(() => undefined);
      pauseMs = Math.min(pauseMs * 2, clocks.longestPauseMs);
    }
    this.#live = false;
  }

  async #relist(): Promise<string | undefined> {
    const listed = new Map<string, T>();
    let version: string | undefined;
    for await (const { metadata, items } of pagesOf(this.#watched.list)) {
      version ??= metadata?.resourceVersion;
      for (const object of items) listed.set(object.metadata?.name ?? '', this.#kept(object));
    }
    for (const [name, object] of [...this.#objects, ...listed]) this.#unannounced.set(name, object);
    this.#objects.clear();
    this.#groups.clear();
    for (const [name, object] of listed) this.#set(name, object);
    return version;
  }

  /** Says of all that was listed that it is there, or not any more. */
  announce(): void {
    for (const object of this.#unannounced.values()) this.#watched.onChange(object);
    this.#unannounced.clear();
  }

  /** Resolves when the server ended the stream, rejects when it refused or broke off. */
  async #stream(
    from: string | undefined,
    signal: AbortSignal,
  ): Promise<{ lastVersion: string | undefined; events: number }> {
    const { kubeConfig, path, labelSelector, clocks } = this.#watched;
    // The client offers no option for it; its own 30 s are shorter than the server's silence.
    const watch = new Watch(kubeConfig);
    Reflect.set(watch, 'requestTimeoutMs', clocks.inactivityMs);
    let lastVersion = from;
    let events = 0;
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const onEvent = (type: string, object: T & { code?: number; message?: string }): void => {
      if (type === 'ERROR') {
        reject(new Error(`the watch ended with ${object.code ?? 'an error'}: ${object.message ?? ''}`));
        return;
      }
      events += 1;
      lastVersion = object.metadata?.resourceVersion ?? lastVersion;
      if (type !== 'BOOKMARK') this.#take(type, object);
    };
    const query = {
      labelSelector,
      allowWatchBookmarks: true,
      timeoutSeconds: Math.ceil(clocks.relistMs / 1000),
      // The client can't send a parameter that is undefined.
      ...(from === undefined ? {} : { resourceVersion: from }),
    };
    const controller = await watch.watch(path, query, onEvent, (error: unknown) =>
      error ? reject(toError(error)) : resolve(undefined),
    );
    const stop = () => controller.abort();
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    this.#live = true;
    this.#watched.onOpen();
    try {
      await promise;
      return { lastVersion, events };
    } finally {
      signal.removeEventListener('abort', stop);
      stop();
    }
  }

  #take(type: string, object: T): void {
    const name = object.metadata?.name;
    if (!name) return;
    if (type === 'DELETED') this.#delete(name, object);
    else if (!isOlder(object, this.#objects.get(name))) this.#set(name, this.#kept(object));
    this.#watched.onChange(object);
  }

  #kept(object: T): T {
    return this.#watched.keep?.(object) ?? object;
  }

  #set(name: string, object: T): void {
    this.#objects.set(name, object);
    const group = this.#watched.groupOf?.(object);
    if (group === undefined) return;
    const members = this.#groups.get(group) ?? new Map<string, T>();
    this.#groups.set(group, members.set(name, object));
  }

  #delete(name: string, object: T): void {
    this.#objects.delete(name);
    const group = this.#watched.groupOf?.(object) ?? '';
    this.#groups.get(group)?.delete(name);
    if (this.#groups.get(group)?.size === 0) this.#groups.delete(group);
  }
}

/** Versions of one object are numbers in etcd's order; a stream that repeats itself must not turn it back. */
function isOlder(object: KubernetesObject, known: KubernetesObject | undefined): boolean {
  if (!known || known.metadata?.uid !== object.metadata?.uid) return false;
  return Number(object.metadata?.resourceVersion) < Number(known.metadata?.resourceVersion);
}

const toError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));
