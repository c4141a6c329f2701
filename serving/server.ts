import { randomUUID } from 'node:crypto';
import fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import { readFeedback } from '../domain/serving/feedback.ts';
import { defaultServing } from '../domain/serving/serving-settings.ts';
import type { TraceStore } from '../domain/serving/trace-store.ts';
import { chat, type GuardDecision } from './chat.ts';
import { admit, anonymous, Limits, type ApiKeys } from './access.ts';
import type { Engines } from './engines.ts';
import type { Exchange } from './exchange.ts';
import { createServingMetrics } from './metrics.ts';
import { observationOf, type ObservationBook } from './observations.ts';
import { Refusal, refusalOf, sendRefusal } from './refusal.ts';
import { RequestTraces } from './request-traces.ts';
import type { Upstreams } from './upstreams.ts';

export interface ServingOptions {
  readonly upstreams: Upstreams;
  readonly engines: Engines;
  readonly observations: ObservationBook;
  readonly keys: ApiKeys;
  readonly traces: TraceStore;
  readonly log: (message: string) => void;
  /** 0 ≤ number < 1. Selects the release for a request, and decides whether it is traced. */
  readonly random?: () => number;
  /** The longest wait for open requests when the server closes. The process must not be killed before that. */
  readonly closeGraceMs?: number;
  /** Called when the server begins to close. */
  readonly onClosing?: () => void;
  /** Called once the server is closing and no request is open, or the grace time is over. */
  readonly onDrained?: () => void;
}

/** Enough text for any model's context, and small enough to hold many at the same time. */
const maximumBodyBytes = 1024 * 1024;
/** The embedded stack kills a service that does not end within ten seconds. */
const defaultCloseGraceMs = 5000;

/**
 * The server for clients, the same on every host: OpenAI's routes and errors, feedback and metrics. Every answer has an
 * ID.
 */
export function createServingServer(options: ServingOptions): FastifyInstance {
  const { upstreams, keys, observations, log, random = Math.random } = options;
  const server = fastify({
    bodyLimit: maximumBodyBytes,
    requestTimeout: 0,
    forceCloseConnections: true,
    return503OnClosing: false,
    genReqId: () => `chatcmpl-${randomUUID().replaceAll('-', '')}`,
  });
  const metrics = createServingMetrics();
  const traces = new RequestTraces({ store: options.traces, log, onDrop: metrics.dropped });
  const limits = new Limits();
  const isClosing = finishInFlight(server, options);
  server.addHook('onClose', async () => {
    await Promise.all([traces.close(), observations.flush()]);
  });
  server.setErrorHandler((error, _request, reply) => {
    const refusal = refusalOf(error, log);
    metrics.refused(refusal.code);
    return sendRefusal(reply, refusal);
  });
  server.setNotFoundHandler((request, reply) =>
    sendRefusal(reply, new Refusal(404, 'not_found', `There is no ${request.method} ${request.url} here.`)),
  );

  const onExchange = (exchange: Exchange): void => {
    observations.of(exchange.release.endpoint).add(observationOf(exchange));
    metrics.requested(exchange);
    if (exchange.status === 200)
      traces.add(exchange, random() < (exchange.release.serving ?? defaultServing).traceShare);
  };
  const onGuard = (found: GuardDecision): void => {
    metrics.guarded(found);
    log(
      `guard: ${found.id} of ${found.release.endpoint}, version ${found.release.version}, ${found.guard}, ${found.decision}: ${found.findings.join(', ')}`,
    );
  };

  server.get('/healthz', () => ({ status: 'ok' }));
  server.get('/readyz', () => {
    if (isClosing()) throw new Refusal(503, 'not_ready', 'The endpoint is ending.');
    if (upstreams.serving().length === 0) throw new Refusal(503, 'not_ready', 'No release is being served yet.');
    return { status: 'ready' };
  });
  server.get('/metrics', async (_request, reply) => reply.type(metrics.contentType).send(await metrics.text()));
  server.register((clients, _options, done) => {
    const admitted = new WeakMap<FastifyRequest, string>();
    // Checks the key before the body is read, so that an unknown client can't use memory.
    clients.addHook('onRequest', (request, _reply, next) => {
      admitted.set(request, admit(keys, request.headers.authorization));
      next();
    });
    const clientOf = (request: FastifyRequest): string => admitted.get(request) ?? anonymous;
    clients.get('/v1/models', () => ({
      object: 'list',
      data: upstreams.endpoints().map((endpoint) => describeModel(endpoint, upstreams)),
    }));
    clients.post('/v1/chat/completions', (request, reply) => {
      const model = (request.body as { model?: unknown } | null)?.model;
      if (typeof model === 'string') limits.spend(clientOf(request), model, upstreams.serving(), reply);
      return chat(
        { upstreams, engines: options.engines, random, onExchange, onGuard },
        request.id,
        request.body,
        reply,
      );
    });
    clients.post('/v1/feedback', async (request, reply) => {
      const read = readFeedback(request.body);
      if (!read.ok) throw new Refusal(400, 'invalid_request', read.message, read.param);
      const endpoint = await traces.feedback({ ...read.feedback, author: clientOf(request) }, upstreams.endpoints());
      if (endpoint === undefined)
        throw new Refusal(404, 'unknown_request', `No answer ${read.feedback.id} is known any more.`, 'id');
      metrics.rated(endpoint, read.feedback.rating);
      observations.of(endpoint).rate(read.feedback.id, read.feedback.rating);
      return reply.code(202).send({ id: read.feedback.id, object: 'feedback', status: 'accepted' });
    });
    done();
  });
  return server;
}

const describeModel = (endpoint: string, upstreams: Upstreams) => ({
  id: endpoint,
  object: 'model',
  owned_by: 'tuneline',
  versions: upstreams
    .serving()
    .flatMap((release) => (release.endpoint === endpoint ? [`${release.model}/${release.version}`] : [])),
});

/**
 * Gives every answer its ID, and lets open requests finish when the server closes. The returned function is true once
 * it is closing.
 */
function finishInFlight(
  server: FastifyInstance,
  {
    closeGraceMs = defaultCloseGraceMs,
    onClosing,
    onDrained,
  }: Pick<ServingOptions, 'closeGraceMs' | 'onClosing' | 'onDrained'>,
): () => boolean {
  let inFlight = 0;
  let closing = false;
  let onIdle = (): void => undefined;
  server.addHook('onRequest', (request, reply, next) => {
    reply.header('x-request-id', request.id);
    inFlight += 1;
    reply.raw.once('close', () => {
      inFlight -= 1;
      if (inFlight === 0) onIdle();
    });
    next();
  });
  server.addHook('preClose', async () => {
    closing = true;
    onClosing?.();
    if (inFlight > 0)
      await new Promise<void>((resolve) => {
        onIdle = resolve;
        setTimeout(resolve, closeGraceMs).unref();
      });
    onDrained?.();
  });
  return () => closing;
}
