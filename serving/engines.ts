import { Agent, request } from 'undici';
import type { ChatAnswer, ChatRequest } from '../domain/endpoint/release.ts';
import { eventsOf } from './event-stream.ts';
import type { Upstream } from './upstreams.ts';

/** An engine's answer: complete, or a stream whose first event has arrived. */
export type EngineReply =
  | { readonly kind: 'whole'; readonly status: number; readonly body: Readonly<Record<string, unknown>> }
  | { readonly kind: 'stream'; readonly status: number; readonly events: AsyncGenerator<string, void, void> };

/** The engine gave no usable answer. */
export class EngineBroke extends Error {
  override readonly name = 'EngineBroke';
  /** True if the engine may have started the request. False if the connection failed. */
  readonly wasReached: boolean;

  constructor(message: string, wasReached: boolean) {
    super(message);
    this.wasReached = wasReached;
  }
}

export interface Engines {
  /** Rejects with `EngineBroke`, or with the signal's reason. */
  chat(upstream: Upstream, body: object, signal: AbortSignal): Promise<EngineReply>;
  close(): Promise<void>;
}

/**
 * Keeps connections to engines for 3 s. Python's servers close an idle one after 5 s, and a request at that moment
 * would fail.
 */
export function createEngines(): Engines {
  const agent = new Agent({ keepAliveTimeout: 3000, keepAliveMaxTimeout: 3000, headersTimeout: 0, bodyTimeout: 0 });

  async function send({ url, modelName }: Upstream, body: object, signal: AbortSignal): Promise<EngineReply> {
    const reply = await request(`${url}/v1/chat/completions`, {
      dispatcher: agent,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...body, model: modelName }),
      signal,
    });
    if (reply.statusCode === 200 && String(reply.headers['content-type']).startsWith('text/event-stream')) {
      const events = eventsOf(reply.body as AsyncIterable<Uint8Array>);
      const first = await events.next();
      if (first.done) throw new EngineBroke('its stream ended before it began', true);
      return { kind: 'stream', status: 200, events: startingWith(first.value, events) };
    }
    return { kind: 'whole', status: reply.statusCode, body: parseObject(await reply.body.text(), reply.statusCode) };
  }

  return {
    async chat(upstream, body, signal) {
      try {
        return await send(upstream, body, signal);
      } catch (error) {
        if (signal.aborted || error instanceof EngineBroke) throw error;
        const code = (error as { code?: unknown }).code;
        throw new EngineBroke(
          error instanceof Error ? error.message : String(error),
          code !== 'ECONNREFUSED' && code !== 'UND_ERR_CONNECT_TIMEOUT',
        );
      }
    },
    close: () => agent.destroy(),
  };
}

/** Asks one release directly, without shares, limits and guards. */
export async function askEngine(
  engines: Engines,
  upstream: Upstream,
  { messages, maxTokens }: ChatRequest,
): Promise<ChatAnswer> {
  const startedMs = performance.now();
  const answered = (status: number, text = '', completionTokens = 0): ChatAnswer => ({
    status,
    text,
    ms: performance.now() - startedMs,
    completionTokens,
  });
  try {
    // A large model on a cold CPU needs long for its first answer.
    const reply = await engines.chat(
      upstream,
      { messages, max_tokens: maxTokens, temperature: 0 },
      AbortSignal.timeout(120_000),
    );
    return reply.kind === 'whole' && reply.status === 200
      ? answered(200, answerOf(reply.body), completionTokensOf(reply.body))
      : answered(reply.status);
  } catch {
    return answered(0);
  }
}

/** The text of a complete chat completion. Empty if it has none. */
export function answerOf(body: Readonly<Record<string, unknown>>): string {
  const content = (body as { choices?: { message?: { content?: unknown } }[] }).choices?.[0]?.message?.content;
  return typeof content === 'string' ? content : '';
}

export const completionTokensOf = (body: Readonly<Record<string, unknown>>): number =>
  (body as { usage?: { completion_tokens?: number } | null }).usage?.completion_tokens ?? 0;

function parseObject(text: string, status: number): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Not JSON. Handled below.
  }
  // For an error, only the status matters.
  if (status !== 200) return {};
  throw new EngineBroke('its answer is no JSON object', true);
}

async function* startingWith(
  first: string,
  rest: AsyncGenerator<string, void, void>,
): AsyncGenerator<string, void, void> {
  yield first;
  yield* rest;
}
