import { randomUUID } from 'node:crypto';
import fastify, { type FastifyInstance } from 'fastify';
import { chat, type ChatParts } from './chat.ts';
import { Refusal, refusalOf, sendRefusal } from './refusal.ts';

export interface ServingOptions extends ChatParts {
  readonly log: (message: string) => void;
}

/** As much text as any model reads at once, and no more than a process can hold for many at a time. */
const maximumBodyBytes = 1024 * 1024;
/** A process that was told to end lets requests in flight finish; who runs it kills it after ten seconds. */
const closeGraceMs = 5000;

/** What answers clients, the same for every host of releases: OpenAI's routes and their errors. Every answer has an ID. */
export function createServingServer(options: ServingOptions): FastifyInstance {
  const { upstreams, log } = options;
  const server = fastify({
    bodyLimit: maximumBodyBytes,
    requestTimeout: 0,
    forceCloseConnections: true,
    return503OnClosing: false,
    genReqId: () => `chatcmpl-${randomUUID().replaceAll('-', '')}`,
  });
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
    if (inFlight === 0) return;
    await new Promise<void>((resolve) => {
      onIdle = resolve;
      setTimeout(resolve, closeGraceMs).unref();
    });
  });
  server.setErrorHandler((error, _request, reply) => sendRefusal(reply, refusalOf(error, log)));
  server.setNotFoundHandler((request, reply) => sendRefusal(reply, new Refusal(404, 'not_found', `There is no ${request.method} ${request.url} here.`)));

  server.get('/healthz', () => ({ status: 'ok' }));
  server.get('/readyz', () => {
    if (closing) throw new Refusal(503, 'not_ready', 'The endpoint is ending.');
    if (upstreams.serving().length === 0) throw new Refusal(503, 'not_ready', 'No release is being served yet.');
    return { status: 'ready' };
  });
  server.get('/v1/models', () => ({
    object: 'list',
    data: upstreams.endpoints().map((endpoint) => ({
      id: endpoint,
      object: 'model',
      owned_by: 'tuneline',
      versions: upstreams.serving().flatMap((release) => (release.endpoint === endpoint ? [`${release.model}/${release.version}`] : [])),
    })),
  }));
  server.post('/v1/chat/completions', (request, reply) => chat(options, request.id, request.body, reply));
  return server;
}
