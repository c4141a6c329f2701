import { setTimeout as delay } from 'node:timers/promises';
import { EngineBroke, type EngineReply, type Engines } from './engines.ts';
import { hedge } from './hedge.ts';
import { Refusal } from './refusal.ts';
import type { Upstream, Upstreams } from './upstreams.ts';

export interface Ask {
  readonly endpoint: string;
  /** Where among the shares: 0 ≤ point < 1. */
  readonly point: number;
  /** What this release's engine is sent. */
  readonly bodyFor: (upstream: Upstream) => object;
  /** Aborted when the client is gone or the request's time is over. */
  readonly signal: AbortSignal;
  /** A release that has not begun to answer by then may hang. */
  readonly patienceMs: number;
  /** A release failed the request: with a status of HTTP, or 0 where its engine broke off. */
  readonly onFailure: (upstream: Upstream, status: number, ms: number) => void;
}

export interface Answered {
  readonly upstream: Upstream;
  readonly reply: EngineReply;
  /** The release may end once this was called. */
  readonly done: () => void;
  readonly startedMs: number;
}

/** An engine that died is started again: so long a request waits for it. A large model takes longer, but then a client had better come again. */
const startingPatienceMs = 30_000;
/** A request that broke so many engines is likely to be the reason. */
const maximumBreaks = 3;

interface Parts {
  readonly upstreams: Upstreams;
  readonly engines: Engines;
}

/** What one request has come to. */
interface Tried {
  /** Releases that answered with a status of 500 or more: they would again. */
  readonly failed: Map<string, Refusal>;
  /** Goes on with the request, and is not asked again. */
  readonly hangs?: Upstream;
  /** Whom the request was given to last. */
  asked?: Upstream;
}

/**
 * Asks one release after the other until one answers: another where the first failed, and the same again where there is
 * no other and its engine broke off, for that one is started again. One that seems to hang goes on, beside one more. Nothing
 * has reached the client yet. Rejects with a `Refusal` if none answered, or with the signal's reason.
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

/** What failed has let its release go. */
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
    // Of one that nobody listens behind, its release may have failed nothing: it is being started again.
    if (error.wasReached) ask.onFailure(upstream, 0, performance.now() - startedMs);
    return { status: 0, wasReached: error.wasReached };
  }
}

/** Waits for an engine, longer each time, and all in all no longer than a client should. */
function restartsOf(upstreams: Upstreams, { endpoint, signal }: Ask) {
  let patience: AbortSignal | undefined;
  let pauseMs = 25;
  return {
    /** Rejects with a `Refusal` when the patience is over. */
    async next(pause: boolean): Promise<void> {
      patience ??= AbortSignal.any([signal, AbortSignal.timeout(startingPatienceMs)]);
      // Its end may not have been noticed yet.
      if (pause) await delay(pauseMs, undefined, { signal: patience }).catch(() => undefined);
      pauseMs = Math.min(pauseMs * 2, 1000);
      await upstreams.untilServing(endpoint, patience);
      signal.throwIfAborted();
      if (patience.aborted) throw new Refusal(503, 'not_ready', `${endpoint} is starting; try again in a moment.`);
    },
  };
}
