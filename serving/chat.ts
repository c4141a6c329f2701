import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { readChatCall, textOf, type ChatCall, type ChatMessage } from '../domain/serving/chat-request.ts';
import { findInjections, type Injection } from '../domain/serving/input-guard.ts';
import { guardAnswer } from '../domain/serving/output-guard.ts';
import { columnsOf, renderPrompt } from '../domain/serving/prompt-template.ts';
import type { Release } from '../domain/endpoint/release.ts';
import { defaultServing, type ServingSettings } from '../domain/serving/serving-settings.ts';
import { pointOf } from '../domain/endpoint/traffic-split.ts';
import { askUntilAnswered } from './attempts.ts';
import { answerOf, completionTokensOf, type Engines } from './engines.ts';
import type { Exchange } from './exchange.ts';
import { errorBody, Refusal } from './refusal.ts';
import { relay, type Relayed } from './relay.ts';
import type { Upstream, Upstreams } from './upstreams.ts';

export interface ChatParts {
  readonly upstreams: Upstreams;
  readonly engines: Engines;
  /** The position among the shares for a request without a user: 0 ≤ point < 1. */
  readonly random: () => number;
  readonly onExchange: (exchange: Exchange) => void;
  readonly onGuard: (decision: GuardDecision) => void;
}

/** The findings of a guard in one request, and the decision. Contains none of the text. */
export interface GuardDecision {
  readonly id: string;
  readonly release: Release;
  readonly guard: 'input' | 'output';
  readonly decision: 'flag' | 'redact' | 'refuse';
  /** Families of attacks, or kinds of personal data. */
  readonly findings: readonly string[];
}

const settingsOf = ({ serving }: Release): ServingSettings => serving ?? defaultServing;

/** Answers one chat completion. Rejects with a `Refusal`. */
export async function chat(parts: ChatParts, id: string, body: unknown, reply: FastifyReply): Promise<FastifyReply> {
  const call = callOf(parts.upstreams, body);
  const timeoutMs = 1000 * timeoutSecondsOf(call.endpoint, parts.upstreams);
  const signal = endOf(call.endpoint, timeoutMs, reply);
  const exchanged = (
    { release, template }: Upstream,
    outcome: Pick<Exchange, 'status' | 'ms'> & Partial<Exchange>,
  ): void =>
    parts.onExchange({
      ...{ id, release, atMs: Date.now(), answer: '', completionTokens: 0 },
      messages: messagesFor({ release, template }, call),
      ...('variables' in call.asked ? { variables: call.asked.variables } : {}),
      ...outcome,
    });
  const inspect = inspectorOf(call);
  const {
    upstream,
    reply: said,
    done,
    startedMs,
  } = await askUntilAnswered(parts, {
    endpoint: call.endpoint,
    point: call.user === undefined ? parts.random() : pointOf(call.user),
    signal,
    // Leaves half of the time for a second release.
    patienceMs: timeoutMs / 2,
    bodyFor(tried) {
      const found = inspect(tried.release);
      const findings = found.map(({ family }) => family);
      const decision = settingsOf(tried.release).inputGuard === 'refuse' ? 'refuse' : 'flag';
      if (found.length > 0) parts.onGuard({ id, release: tried.release, guard: 'input', decision, findings });
      if (found.length > 0 && decision === 'refuse') {
        exchanged(tried, { status: 400, ms: 0, guard: 'input' });
        throw new Refusal(
          400,
          'content_filter',
          `${call.endpoint} does not take orders against its task: the request reads like one (${findings.join(', ')}).`,
          'variables' in call.asked ? 'variables' : 'messages',
        );
      }
      return engineBody(tried, call);
    },
    onFailure: (failed, status, ms) => exchanged(failed, { status, ms }),
  });
  reply.raw.once('close', done);
  const { release } = upstream;
  const settings = settingsOf(release);
  const ended = ({ findings, ...outcome }: Relayed): void => {
    const decision = decisionOn(findings, settings);
    if (findings.length > 0) parts.onGuard({ id, release, guard: 'output', decision, findings });
    exchanged(upstream, {
      ...outcome,
      ms: performance.now() - startedMs,
      ...(findings.length > 0 && decision !== 'flag' ? { guard: 'output' } : {}),
    });
  };
  reply.header('x-tuneline-version', `${release.model}/${release.version}`);
  const named = { id, model: call.endpoint };
  if (said.kind === 'stream')
    return reply
      .type('text/event-stream')
      .send(Readable.from(relay(said.events, { named, settings, signal, onEnd: ended })));
  if (said.status !== 200) {
    ended({ status: said.status, answer: '', completionTokens: 0, findings: [] });
    return reply.code(said.status).send(engineError(said.status, said.body));
  }
  const { text, findings } = guardAnswer(answerOf(said.body), settings);
  ended({ status: 200, answer: text ?? '', completionTokens: completionTokensOf(said.body), findings });
  return reply.send({ ...(findings.length > 0 ? withAnswer(said.body, text) : said.body), ...named });
}

/** The longest timeout among the releases of the endpoint. */
function timeoutSecondsOf(endpoint: string, upstreams: Upstreams): number {
  const own = upstreams.serving().filter((release) => release.endpoint === endpoint);
  return Math.max(
    ...(own.length > 0 ? own.map((release) => settingsOf(release).timeoutSeconds) : [defaultServing.timeoutSeconds]),
  );
}

/** Aborts when the client disconnects or the request times out. */
function endOf(endpoint: string, timeoutMs: number, reply: FastifyReply): AbortSignal {
  const stop = new AbortController();
  const timer = setTimeout(
    () => stop.abort(new Refusal(504, 'timeout', `${endpoint} did not answer within ${timeoutMs / 1000} s.`)),
    timeoutMs,
  );
  reply.raw.once('close', () => {
    clearTimeout(timer);
    if (!reply.raw.writableFinished) stop.abort(new Refusal(499, 'client_gone', 'The client is gone.'));
  });
  return stop.signal;
}

/** Inspects the input at most once, however many releases are asked, and only if one of them has the input guard on. */
function inspectorOf({ asked }: ChatCall): (release: Release) => readonly Injection[] {
  let found: readonly Injection[] | undefined;
  return (release) => {
    if (settingsOf(release).inputGuard === 'off') return [];
    found ??= findInjections('variables' in asked ? Object.values(asked.variables).join('\n') : textOf(asked.messages));
    return found;
  };
}

function callOf(upstreams: Upstreams, body: unknown): ChatCall {
  const read = readChatCall(body);
  const served = upstreams.endpoints().join(', ') || 'none yet';
  if (!read.ok)
    throw new Refusal(
      400,
      'invalid_request',
      read.param === 'model' ? `${read.message} This one serves ${served}.` : read.message,
      read.param,
    );
  if (!upstreams.endpoints().includes(read.call.endpoint))
    throw new Refusal(
      404,
      'model_not_found',
      `There is no model ${JSON.stringify(read.call.endpoint)} here; this endpoint serves ${served}.`,
      'model',
    );
  return read.call;
}

const engineBody = (upstream: Upstream, call: ChatCall): object => ({
  ...call.rest,
  messages: messagesFor(upstream, call),
  ...(call.stream ? { stream: true } : {}),
  max_tokens: Math.min(call.maxTokens ?? Infinity, settingsOf(upstream.release).maximumTokens),
});

/** Each release has its own prompt version, which may need other columns than the version before. */
function messagesFor(
  { release: { prompt }, template }: { readonly release: Release; readonly template?: string | undefined },
  { endpoint, asked }: ChatCall,
): readonly ChatMessage[] {
  if ('messages' in asked) return asked.messages;
  if (template === undefined)
    throw new Refusal(
      400,
      'no_prompt',
      `${endpoint} was released without the text of its prompt; give "messages" instead.`,
      'variables',
    );
  const rendered = renderPrompt(template, asked.variables);
  if (rendered.ok) return [{ role: 'user', content: rendered.text }];
  throw new Refusal(
    400,
    'missing_variables',
    `"variables" lacks ${rendered.missing.join(', ')}: the prompt ${prompt.name}, version ${prompt.version}, needs ${columnsOf(template).join(', ')}.`,
    'variables',
  );
}

/** Removes the token probabilities, because they contain the unguarded text. */
function withAnswer(
  body: Readonly<Record<string, unknown>>,
  text: string | undefined,
): Readonly<Record<string, unknown>> {
  const [first] =
    (body as { choices?: { message?: object; finish_reason?: unknown; logprobs?: unknown }[] }).choices ?? [];
  const { logprobs: _, ...choice } = first ?? {};
  return {
    ...body,
    choices: [
      {
        ...choice,
        message: { ...choice.message, content: text ?? '' },
        ...(text === undefined ? { finish_reason: 'content_filter' } : {}),
      },
    ],
  };
}

/** A leaked canary is always refused, whatever the setting. */
function decisionOn(findings: readonly string[], { outputGuard }: ServingSettings): GuardDecision['decision'] {
  if (findings.includes('canary') || outputGuard === 'off') return 'refuse';
  return outputGuard;
}

/** Passes on the engine's error message, in whatever form it has, so that the client can correct its request. */
function engineError(status: number, said: Readonly<Record<string, unknown>>) {
  const { error, detail, message } = said as {
    error?: { message?: unknown } | string;
    detail?: unknown;
    message?: unknown;
  };
  const words = (typeof error === 'object' ? error.message : error) ?? detail ?? message;
  const text = typeof words === 'string' ? words : JSON.stringify(words);
  return errorBody(
    new Refusal(status, 'engine_refused', words === undefined ? `The engine answered ${status}.` : text),
  );
}
