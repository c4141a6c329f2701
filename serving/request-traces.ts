import { setTimeout as delay } from 'node:timers/promises';
import type { ChatMessage } from '../domain/serving/chat-request.ts';
import { redactPersonalData } from '../domain/serving/personal-data.ts';
import type { Feedback, RequestTrace, TraceStore } from '../domain/serving/trace-store.ts';
import type { Exchange } from './exchange.ts';

export type DropReason = 'queue full' | 'refused' | 'ended';

export interface RequestTracesOptions {
  readonly store: TraceStore;
  readonly log: (message: string) => void;
  readonly onDrop: (kind: 'trace' | 'feedback', reason: DropReason) => void;
  /** The number of requests that can still get feedback. */
  readonly remembered?: number;
  /** The number of items that may wait while the store is unreachable. */
  readonly queued?: number;
  readonly pausesMs?: { readonly first: number; readonly longest: number };
}

type Item =
  | { readonly kind: 'trace'; readonly trace: RequestTrace }
  | { readonly kind: 'feedback'; readonly endpoint: string; readonly feedback: Feedback };

/** A long exchange counts as several, so that memory stays bounded. */
const charactersEach = 8192;
/** Time for the waiting items when the process ends. */
const closeGraceMs = 3000;
/** The longest wait for the store when feedback belongs to another process's request. */
const lookUpMs = 3000;

/**
 * Sends traces and feedback to the store in the background. If the store is slow or unreachable, memory stays bounded,
 * and `onDrop` reports each dropped item.
 */
export class RequestTraces {
  readonly #options: RequestTracesOptions;
  readonly #recent = new Map<string, { readonly exchange: Exchange; isTraced: boolean }>();
  readonly #ended = new AbortController();
  #recentSize = 0;
  #queue: Item[] = [];
  #working: Promise<void> | undefined;

  constructor(options: RequestTracesOptions) {
    this.#options = options;
  }

  /** Remembers the exchange, and traces it if it is sampled. */
  add(exchange: Exchange, isSampled: boolean): void {
    this.#recent.set(exchange.id, { exchange, isTraced: isSampled });
    this.#recentSize += sizeOf(exchange);
    for (const [id, { exchange: oldest }] of this.#recent) {
      if (this.#recentSize <= (this.#options.remembered ?? 10_000)) break;
      this.#recent.delete(id);
      this.#recentSize -= sizeOf(oldest);
    }
    if (isSampled) this.#enqueue({ kind: 'trace', trace: traceOf(exchange) });
  }

  /**
   * Accepts feedback and resolves with the endpoint of the rated answer. Undefined if the answer is unknown. Traces its
   * request, if that was not done before.
   */
  async feedback(feedback: Feedback, endpoints: readonly string[]): Promise<string | undefined> {
    const known = this.#recent.get(feedback.id);
    if (!known) return this.#feedbackOnOther(feedback, endpoints);
    const { endpoint } = known.exchange.release;
    if (!known.isTraced) this.#enqueue({ kind: 'trace', trace: traceOf(known.exchange) });
    known.isTraced = true;
    this.#enqueue({ kind: 'feedback', endpoint, feedback: withoutPersonalData(feedback) });
    return endpoint;
  }

  /** Waits a moment for the queue. Drops the rest. */
  async close(): Promise<void> {
    await Promise.race([this.#working, delay(closeGraceMs, undefined, { ref: false })]);
    this.#ended.abort();
    for (const { kind } of this.#queue.splice(0)) this.#options.onDrop(kind, 'ended');
  }

  /** The answer came from another process, or from this one long ago. It is known if its trace is in the store. */
  async #feedbackOnOther(feedback: Feedback, endpoints: readonly string[]): Promise<string | undefined> {
    const safe = withoutPersonalData(feedback);
    for (const endpoint of endpoints) {
      const kept = await Promise.race([
        this.#options.store.assess(endpoint, safe).then(() => true, isUnknown),
        delay(lookUpMs, 'late' as const, { ref: false }),
      ]);
      if (kept === true) return endpoint;
    }
    return undefined;
  }

  #enqueue(item: Item): void {
    if (this.#ended.signal.aborted) {
      this.#options.onDrop(item.kind, 'ended');
      return;
    }
    if (this.#queue.length >= (this.#options.queued ?? 1000)) {
      // Drops a trace before feedback, because feedback is rarer than sampled traces.
      const index = item.kind === 'feedback' ? this.#queue.findIndex(({ kind }) => kind === 'trace') : -1;
      const [dropped = item] = index === -1 ? [] : this.#queue.splice(index, 1);
      this.#options.onDrop(dropped.kind, 'queue full');
      if (dropped === item) return;
    }
    this.#queue.push(item);
    this.#working ??= this.#work();
  }

  async #work(): Promise<void> {
    const { first, longest } = this.#options.pausesMs ?? { first: 1000, longest: 60_000 };
    let pauseMs = first;
    for (let item = this.#queue[0]; item && !this.#ended.signal.aborted; item = this.#queue[0]) {
      const failure = await this.#keep(item).then(
        () => undefined,
        (error: unknown) => ({ error }),
      );
      if (failure && isRetryable(failure.error)) {
        this.#options.log(`could not write traces, next attempt in ${pauseMs} ms: ${String(failure.error)}`);
        await delay(pauseMs, undefined, { signal: this.#ended.signal, ref: false }).catch(() => undefined);
        pauseMs = Math.min(2 * pauseMs, longest);
        continue;
      }
      pauseMs = first;
      if (failure) {
        this.#options.log(`a ${item.kind} is dropped: ${String(failure.error)}`);
        this.#options.onDrop(item.kind, 'refused');
      }
      // The item may have been dropped in the meantime.
      if (this.#queue[0] === item) this.#queue.shift();
    }
    this.#working = undefined;
  }

  #keep = (item: Item): Promise<void> =>
    item.kind === 'trace'
      ? this.#options.store.write(item.trace)
      : this.#options.store.assess(item.endpoint, item.feedback);
}

const sizeOf = ({ messages, answer }: Exchange): number =>
  Math.max(1, Math.ceil((JSON.stringify(messages).length + answer.length) / charactersEach));

const isRetryable = (error: unknown): boolean => (error as { retryable?: unknown }).retryable !== false;
const isUnknown = (error: unknown): false | 'away' =>
  (error as { kind?: unknown }).kind === 'notFound' ? false : 'away';

/** Redacts personal data, because Tuneline may not keep it. */
function traceOf({ id, release, atMs, ms, status, messages, variables, answer }: Exchange): RequestTrace {
  return {
    ...{ id, release, atMs, ms, status },
    messages: messages.map(({ role, content }): ChatMessage => ({ role, content: redactContent(content) })),
    ...(variables
      ? {
          variables: Object.fromEntries(
            Object.entries(variables).map(([column, value]) => [column, redactPersonalData(value)]),
          ),
        }
      : {}),
    answer: redactPersonalData(answer),
  };
}

/** Omits every part that is not text, such as an image. */
function redactContent(content: unknown): unknown {
  if (typeof content === 'string') return redactPersonalData(content);
  if (!Array.isArray(content)) return null;
  return content.flatMap((part: { type?: unknown; text?: unknown }) =>
    typeof part.text === 'string' ? [{ type: part.type, text: redactPersonalData(part.text) }] : [],
  );
}

const withoutPersonalData = (feedback: Feedback): Feedback => ({
  ...feedback,
  ...(feedback.correction === undefined ? {} : { correction: redactPersonalData(feedback.correction) }),
  ...(feedback.comment === undefined ? {} : { comment: redactPersonalData(feedback.comment) }),
});
