import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { readChatCall, type ChatCall, type ChatMessage } from '../domain/chat-request.ts';
import { columnsOf, renderPrompt } from '../domain/prompt-template.ts';
import { pointOf } from '../domain/traffic-split.ts';
import { askUntilAnswered } from './attempts.ts';
import { answerOf, completionTokensOf, type Engines } from './engines.ts';
import { eventWith } from './event-stream.ts';
import type { Exchange } from './exchange.ts';
import { errorBody, Refusal } from './refusal.ts';
import type { Upstream, Upstreams } from './upstreams.ts';

export interface ChatParts {
  readonly upstreams: Upstreams;
  readonly engines: Engines;
  /** Where among the shares a request without a user falls: 0 ≤ point < 1. */
  readonly random: () => number;
  readonly onExchange: (exchange: Exchange) => void;
}

/** A model in memory answers in seconds; beyond this a client has long given up. */
const requestTimeoutMs = 120_000;

/** Answers one chat completion. Rejects with a `Refusal`. */
export async function chat(parts: ChatParts, id: string, body: unknown, reply: FastifyReply): Promise<FastifyReply> {
  const call = callOf(parts.upstreams, body);
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(new Refusal(504, 'timeout', `${call.endpoint} did not answer within ${requestTimeoutMs / 1000} s.`)), requestTimeoutMs);
  reply.raw.once('close', () => {
    clearTimeout(timer);
    if (!reply.raw.writableFinished) stop.abort(new Refusal(499, 'client_gone', 'The client is gone.'));
  });
  const exchangeWith = (upstream: Upstream, status: number, ms: number, answer = '', completionTokens = 0): void => {
    const messages = messagesFor(upstream, call);
    const variables = 'variables' in call.asked ? { variables: call.asked.variables } : {};
    parts.onExchange({ id, release: upstream.release, atMs: Date.now(), status, ms, messages, ...variables, answer, completionTokens });
  };
  const answered = await askUntilAnswered(parts, {
    endpoint: call.endpoint,
    point: call.user === undefined ? parts.random() : pointOf(call.user),
    bodyFor: (upstream) => engineBody(upstream, call),
    signal: stop.signal,
    onFailure: exchangeWith,
  });
  reply.raw.once('close', answered.done);
  const { upstream, startedMs } = answered;
  const { model, version } = upstream.release;
  reply.header('x-tuneline-version', `${model}/${version}`);
  const named = { id, model: call.endpoint };
  const onEnd = (status: number, answer: string, completionTokens: number): void => exchangeWith(upstream, status, performance.now() - startedMs, answer, completionTokens);
  if (answered.reply.kind === 'stream') return reply.type('text/event-stream').send(Readable.from(relay(answered.reply.events, named, onEnd, stop.signal)));
  const { status, body: said } = answered.reply;
  onEnd(status, answerOf(said), completionTokensOf(said));
  return reply.code(status).send(status === 200 ? { ...said, ...named } : engineError(status, said));
}

function callOf(upstreams: Upstreams, body: unknown): ChatCall {
  const read = readChatCall(body);
  const served = upstreams.endpoints().join(', ') || 'none yet';
  if (!read.ok) throw new Refusal(400, 'invalid_request', read.param === 'model' ? `${read.message} This one serves ${served}.` : read.message, read.param);
  if (!upstreams.endpoints().includes(read.call.endpoint)) throw new Refusal(404, 'model_not_found', `There is no model ${JSON.stringify(read.call.endpoint)} here; this endpoint serves ${served}.`, 'model');
  return read.call;
}

const engineBody = (upstream: Upstream, call: ChatCall): object => ({
  ...call.rest,
  messages: messagesFor(upstream, call),
  ...(call.stream ? { stream: true } : {}),
  ...(call.maxTokens === undefined ? {} : { max_tokens: call.maxTokens }),
});

/** Each release has its own version of the prompt, and may name other columns than the one before. */
function messagesFor({ release: { prompt }, template }: Upstream, { endpoint, asked }: ChatCall): readonly ChatMessage[] {
  if ('messages' in asked) return asked.messages;
  if (template === undefined) throw new Refusal(400, 'no_prompt', `${endpoint} was released without the text of its prompt; give "messages" instead.`, 'variables');
  const rendered = renderPrompt(template, asked.variables);
  if (rendered.ok) return [{ role: 'user', content: rendered.text }];
  throw new Refusal(400, 'missing_variables', `"variables" lacks ${rendered.missing.join(', ')}: the prompt ${prompt.name}, version ${prompt.version}, needs ${columnsOf(template).join(', ')}.`, 'variables');
}

/** The engine's events under the names that clients know. What breaks now can't be taken back: the client is told in the stream. */
async function* relay(events: AsyncIterable<string>, named: object, onEnd: (status: number, answer: string, completionTokens: number) => void, signal: AbortSignal): AsyncGenerator<string> {
  let answer = '';
  let parts = 0;
  let counted = 0;
  try {
    for await (const data of events) {
      if (data === '[DONE]') continue;
      const chunk = JSON.parse(data) as Record<string, unknown>;
      const text = deltaOf(chunk);
      answer += text;
      parts += text === '' ? 0 : 1;
      counted = completionTokensOf(chunk) || counted;
      yield eventWith(JSON.stringify({ ...chunk, ...named }));
    }
  } catch {
    const reason: unknown = signal.reason;
    const late = reason instanceof Refusal ? reason : undefined;
    // Of a client that left nothing can be said of the release.
    if (late?.status !== 499) onEnd(late?.status ?? 0, answer, counted || parts);
    yield eventWith(JSON.stringify(errorBody(late ?? new Refusal(502, 'engine_failed', 'The engine broke off in the middle of its answer.'))));
    return;
  }
  onEnd(200, answer, counted || parts);
  yield eventWith('[DONE]');
}

function deltaOf(chunk: Readonly<Record<string, unknown>>): string {
  const content = (chunk as { choices?: { delta?: { content?: unknown } }[] }).choices?.[0]?.delta?.content;
  return typeof content === 'string' ? content : '';
}

/** What the engine refuses is the client's to mend; its words say how, whatever shape they have. */
function engineError(status: number, said: Readonly<Record<string, unknown>>) {
  const { error, detail, message } = said as { error?: { message?: unknown } | string; detail?: unknown; message?: unknown };
  const words = (typeof error === 'object' ? error.message : error) ?? detail ?? message;
  return errorBody(new Refusal(status, 'engine_refused', words === undefined ? `The engine answered ${status}.` : typeof words === 'string' ? words : JSON.stringify(words)));
}
