import { setTimeout as delay } from 'node:timers/promises';

export interface LoadOptions {
  /** Of the endpoint, without a route. */
  readonly url: string;
  /** The endpoint's name, which clients call a model. */
  readonly model: string;
  /** What the next request asks. */
  readonly prompts: () => string;
  readonly perSecond: number;
  readonly maxTokens?: number;
  /** Aborted, it ends at once; what is in flight then is cut off and counts for nothing. */
  readonly signal?: AbortSignal;
}

export interface LoadCounts {
  /** Those that were answered or failed. */
  readonly requests: number;
  /** Any answer that is not a 2xx with a choice, and any connection that broke. */
  readonly failedRequests: number;
  /** Why, and how often. */
  readonly failures: Readonly<Record<string, number>>;
  /** How many each version answered, by the name the endpoint gives it: MODEL/VERSION. */
  readonly answeredBy: Readonly<Record<string, number>>;
}

export interface Load {
  counts(): LoadCounts;
  /** Sends nothing more, and resolves once what is in flight was answered. */
  stop(): Promise<LoadCounts>;
}

/** An engine that is slower than the load would have ever more to do, and be measured by its queue. */
const mostInFlight = 16;
/** Longer than the endpoint itself gives a request. */
const patienceMs = 180_000;
const defaultMaxTokens = 16;

/** Asks an endpoint as its clients do, so often a second, until it is told to stop. A request that fails is counted, and not sent again. */
export function startLoad({ url, model, prompts, perSecond, maxTokens = defaultMaxTokens, signal }: LoadOptions): Load {
  const [failures, answeredBy] = [new Map<string, number>(), new Map<string, number>()];
  const inFlight = new Set<Promise<void>>();
  const stopping = new AbortController();
  const over = signal ? AbortSignal.any([signal, stopping.signal]) : stopping.signal;

  async function ask(content: string): Promise<void> {
    const patience = AbortSignal.timeout(patienceMs);
    const asked = {
      url,
      body: { model, max_tokens: maxTokens, messages: [{ role: 'user', content }] },
      signal: signal ? AbortSignal.any([signal, patience]) : patience,
    };
    const outcome = await askOnce(asked);
    if (signal?.aborted) return;
    if ('failure' in outcome) add(failures, outcome.failure);
    else add(answeredBy, outcome.version);
  }

  async function send(): Promise<void> {
    const startedMs = performance.now();
    for (let sent = 1; !over.aborted; sent += 1) {
      if (inFlight.size < mostInFlight) {
        const asked = ask(prompts()).finally(() => inFlight.delete(asked));
        inFlight.add(asked);
      }
      await delay(Math.max(0, startedMs + (sent * 1000) / perSecond - performance.now()), undefined, {
        signal: over,
      }).catch(() => undefined);
    }
  }

  const counts = (): LoadCounts => {
    const failedRequests = sum(failures);
    return {
      requests: failedRequests + sum(answeredBy),
      failedRequests,
      failures: Object.fromEntries(failures),
      answeredBy: Object.fromEntries(answeredBy),
    };
  };
  const sending = send();
  return {
    counts,
    async stop() {
      stopping.abort();
      await sending;
      await Promise.all(inFlight);
      return counts();
    },
  };
}

interface Asked {
  readonly url: string;
  readonly body: object;
  readonly signal: AbortSignal;
}

async function askOnce({
  url,
  body,
  signal,
}: Asked): Promise<{ readonly version: string } | { readonly failure: string }> {
  try {
    const answer = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal,
    });
    const { choices, error } = JSON.parse(await answer.text()) as {
      choices?: readonly unknown[];
      error?: { code?: unknown };
    };
    if (!answer.ok) return { failure: `${answer.status}${typeof error?.code === 'string' ? ` ${error.code}` : ''}` };
    if (!Array.isArray(choices) || choices.length === 0) return { failure: `${answer.status} without a choice` };
    return { version: answer.headers.get('x-tuneline-version') ?? 'unknown' };
  } catch (error) {
    return { failure: reasonOf(error) };
  }
}

/** What broke under fetch's "fetch failed", in a word. */
function reasonOf(error: unknown): string {
  const { name, message, cause } = error as Error & { cause?: { code?: string } };
  return cause?.code ?? `${name}: ${message}`;
}

const add = (counted: Map<string, number>, what: string): void => void counted.set(what, (counted.get(what) ?? 0) + 1);
const sum = (counted: ReadonlyMap<string, number>): number => [...counted.values()].reduce((total, n) => total + n, 0);
