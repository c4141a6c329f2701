import { setTimeout as delay } from 'node:timers/promises';
import { Watch, type KubeConfig, type KubernetesListObject, type KubernetesObject } from '@kubernetes/client-node';

export interface WatchClocks {
  /**
   * Without a byte for this long, the connection counts as half-open. The server sends a bookmark about once a minute.
   */
  readonly inactivityMs: number;
  /** Lists everything again at this interval, even if the watch works. */
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

/** The parameters of one page of a list. */
export interface Page {
  readonly limit: number;
  readonly _continue?: string;
}

/** Limits memory: a reply with thousands of objects would take more than the copy itself. */
const pageSize = 500;

/** A list in pages. All pages show the same moment. */
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
  /** Reduces an object to the fields that the copy keeps. Undefined: keeps all fields. */
  readonly keep?: (object: T) => T;
  /** The key for `group`. */
  readonly groupOf?: (object: T) => string | undefined;
  /** An object appeared, changed or was deleted. */
  readonly onChange: (object: T) => void;
  /** A watch is open, so `announce` may report what the list has shown. */
  readonly onOpen: () => void;
  readonly onError: (error: unknown) => void;
  readonly clocks: WatchClocks;
}

/**
 * A copy of a collection that list and watch keep up to date until the signal aborts. After a broken connection it
 * resumes from the last version. It lists again if the server no longer knows that version (410).
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
   * True if the copy is usable: a watch is open, or it ended normally and the next one is about to open. In that pause
   * the copy may be a little old, but requests for thousands of objects would overload the server.
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

  /** Adds an object from a reply, before the watch delivers it. */
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
        // The server no longer knows the version, or the error is unknown: start again with a list.
        from = undefined;
        this.#live = false;
        if (!signal.aborted) onError(error);
      }
      // Random, so that workers that lost one server do not all reconnect at the same moment.
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

  /** Reports each object of the last list as changed, and each object that disappeared since the one before. */
  announce(): void {
    for (const object of this.#unannounced.values()) this.#watched.onChange(object);
    this.#unannounced.clear();
  }

  /** Resolves if the server ended the stream. Rejects if the server refused it or the connection broke. */
  async #stream(
    from: string | undefined,
    signal: AbortSignal,
  ): Promise<{ lastVersion: string | undefined; events: number }> {
    const { kubeConfig, path, labelSelector, clocks } = this.#watched;
    // The client has no option for this timeout. Its own 30 s are shorter than the server's normal silence.
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
      resourceVersion: from,
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

/**
 * Versions of one object are numbers in etcd's order. A stream that repeats old events must not overwrite a newer
 * object.
 */
function isOlder(object: KubernetesObject, known: KubernetesObject | undefined): boolean {
  if (!known || known.metadata?.uid !== object.metadata?.uid) return false;
  return Number(object.metadata?.resourceVersion) < Number(known.metadata?.resourceVersion);
}

const toError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));
