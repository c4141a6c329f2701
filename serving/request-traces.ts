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
  /** How many requests may still be given feedback. */
  readonly remembered?: number;
  /** How much may wait while the store is away. */
  readonly queued?: number;
  readonly pausesMs?: { readonly first: number; readonly longest: number };
}

type Item =
  | { readonly kind: 'trace'; readonly trace: RequestTrace }
  | { readonly kind: 'feedback'; readonly endpoint: string; readonly feedback: Feedback };

/** A long prompt counts as several requests. */
const charactersEach = 8192;
/** What still waits when the process ends gets so long. */
const closeGraceMs = 3000;
/** Feedback on a request that another process answered: so long its client waits for the store. */
const lookUpMs = 3000;

/** Takes requests and feedback to where they are kept, behind the client's back: a store that is slow or away costs a bounded memory, and what is dropped is told. */
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

  /** Remembers the answer, and traces it if it is of the sample. */
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

  /** Which endpoint the feedback is of; undefined if no such answer is known. Its request is traced with it. */
  async feedback(feedback: Feedback, endpoints: readonly string[]): Promise<string | undefined> {
    const known = this.#recent.get(feedback.id);
    if (!known) return this.#feedbackOnOther(feedback, endpoints);
    const { endpoint } = known.exchange.release;
    if (!known.isTraced) this.#enqueue({ kind: 'trace', trace: traceOf(known.exchange) });
    known.isTraced = true;
    this.#enqueue({ kind: 'feedback', endpoint, feedback: withoutPersonalData(feedback) });
    return endpoint;
  }

  /** What waits is given a moment; the rest is dropped. */
  async close(): Promise<void> {
    await Promise.race([this.#working, delay(closeGraceMs, undefined, { ref: false })]);
    this.#ended.abort();
    for (const { kind } of this.#queue.splice(0)) this.#options.onDrop(kind, 'ended');
  }

  /** Another process answered it, or this one long ago: it is known if its trace is. */
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
      // Feedback is rarer than what is traced by chance.
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
        this.#options.log(`traces wait, again in ${pauseMs} ms: ${String(failure.error)}`);
        await delay(pauseMs, undefined, { signal: this.#ended.signal, ref: false }).catch(() => undefined);
        pauseMs = Math.min(2 * pauseMs, longest);
        continue;
      }
      pauseMs = first;
      if (failure) {
        this.#options.log(`a ${item.kind} is dropped: ${String(failure.error)}`);
        this.#options.onDrop(item.kind, 'refused');
      }
      // It may have been dropped meanwhile.
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

/** Personal data that a client sends is not ours to keep. */
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

/** What is no text, such as an image, is left out. */
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
