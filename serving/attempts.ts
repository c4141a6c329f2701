import { setTimeout as delay } from 'node:timers/promises';
import { EngineBroke, type EngineReply, type Engines } from './engines.ts';
import { hedge } from './hedge.ts';
import { Refusal } from './refusal.ts';
import type { Upstream, Upstreams } from './upstreams.ts';

export interface Ask {
  readonly endpoint: string;
  /** The position among the shares that selects a release: 0 ≤ point < 1. */
  readonly point: number;
  /** The request body for this release's engine. */
  readonly bodyFor: (upstream: Upstream) => object;
  /** Aborted when the client disconnects or the request times out. */
  readonly signal: AbortSignal;
  /** After this time without the start of an answer, the release may hang. */
  readonly patienceMs: number;
  /** A release failed the request, with an HTTP status, or with 0 if its engine broke the connection. */
  readonly onFailure: (upstream: Upstream, status: number, ms: number) => void;
}

export interface Answered {
  readonly upstream: Upstream;
  readonly reply: EngineReply;
  /** Must be called at the end of the answer. Only then may the release end. */
  readonly done: () => void;
  readonly startedMs: number;
}

/**
 * A request waits this long for a crashed engine to restart. A large model takes longer, but then the client had better
 * retry later.
 */
const startingPatienceMs = 30_000;
/** A request that broke this many engines probably causes the crashes itself. */
const maximumBreaks = 3;

interface Parts {
  readonly upstreams: Upstreams;
  readonly engines: Engines;
}

/** The progress of one request. */
interface Tried {
  /** Releases that answered with a status of 500 or more, by key. They would fail again. */
  readonly failed: Map<string, Refusal>;
  /** A release that seems to hang. It keeps working on the request, and is not asked again. */
  readonly hangs?: Upstream;
  /** The release that got the request last. */
  asked?: Upstream;
}

/**
 * Asks one release after another until one answers. After a failure it asks another release. If there is no other and
 * the engine broke the connection, it asks the same release again, because its engine restarts. If a release seems to
 * hang, it also asks a second one. Nothing has been sent to the client yet. Rejects with a `Refusal` if no release
 * answers, or with the signal's reason.
 */
export function askUntilAnswered(parts: Parts, ask: Ask): Promise<Answered> {
  const tried: Tried = { failed: new Map() };
  const second = (signal: AbortSignal): Promise<Answered> | undefined => {
    const { asked } = tried;
    if (!asked) return undefined;
    const other = parts.upstreams.take(ask.endpoint, {
      point: ask.point,
      except: new Set([...tried.failed.keys(), asked.key]),
    });
    other?.done();
    return other && askInTurn(parts, { ...ask, signal }, { failed: tried.failed, hangs: asked });
  };
  return hedge({ ...ask, first: (signal) => askInTurn(parts, { ...ask, signal }, tried), second });
}

async function askInTurn(parts: Parts, ask: Ask, tried: Tried): Promise<Answered> {
  const { failed, hangs } = tried;
  const broken = new Set<string>();
  const restarts = restartsOf(parts.upstreams, ask);
  let breaks = 0;
  for (;;) {
    ask.signal.throwIfAborted();
    const taken = parts.upstreams.take(ask.endpoint, {
      point: ask.point,
      except: new Set([...failed.keys(), ...broken, ...(hangs ? [hangs.key] : [])]),
    });
    if (!taken) {
      for (const refusal of failed.values()) throw refusal;
      await restarts.next(broken.size > 0);
      broken.clear();
      continue;
    }
    tried.asked = taken.upstream;
    const { key, release } = taken.upstream;
    const outcome = await attempt(parts.engines, taken, ask);
    if ('reply' in outcome) return outcome;
    if (outcome.status === 0) broken.add(key);
    else
      failed.set(
        key,
        new Refusal(
          502,
          'engine_failed',
          `${ask.endpoint} could not answer this request: the engine of version ${release.version} answered ${outcome.status}.`,
        ),
      );
    breaks += outcome.wasReached ? 1 : 0;
    if (breaks === maximumBreaks)
      throw new Refusal(
        502,
        'engine_failed',
        `${ask.endpoint} could not answer this request: its engine broke off ${breaks} times.`,
      );
  }
}

/** Asks one release. After a failure it has called `done`. */
async function attempt(
  engines: Engines,
  { upstream, done }: { readonly upstream: Upstream; readonly done: () => void },
  ask: Ask,
): Promise<Answered | { readonly status: number; readonly wasReached: boolean }> {
  const startedMs = performance.now();
  try {
    const reply = await engines.chat(upstream, ask.bodyFor(upstream), ask.signal);
    if (reply.status < 500) return { upstream, reply, done, startedMs };
    ask.onFailure(upstream, reply.status, performance.now() - startedMs);
    done();
    return { status: reply.status, wasReached: false };
  } catch (error) {
    done();
    const { reason } = ask.signal as { reason?: unknown };
    if (reason instanceof Refusal && reason.code === 'timeout')
      ask.onFailure(upstream, reason.status, performance.now() - startedMs);
    if (!(error instanceof EngineBroke)) throw error;
    // A refused connection is not the release's failure, because its engine may be restarting.
    if (error.wasReached) ask.onFailure(upstream, 0, performance.now() - startedMs);
    return { status: 0, wasReached: error.wasReached };
  }
}

/** Waits for an engine to restart, with growing pauses, for at most `startingPatienceMs` in total. */
function restartsOf(upstreams: Upstreams, { endpoint, signal }: Ask) {
  let patience: AbortSignal | undefined;
  let pauseMs = 25;
  return {
    /** Rejects with a `Refusal` when that time is over. */
    async next(pause: boolean): Promise<void> {
      patience ??= AbortSignal.any([signal, AbortSignal.timeout(startingPatienceMs)]);
      // The crash may not be noticed yet, so `untilServing` alone would return at once.
      if (pause) await delay(pauseMs, undefined, { signal: patience }).catch(() => undefined);
      pauseMs = Math.min(pauseMs * 2, 1000);
      await upstreams.untilServing(endpoint, patience);
      signal.throwIfAborted();
      if (patience.aborted) throw new Refusal(503, 'not_ready', `${endpoint} is starting; try again in a moment.`);
    },
  };
}
