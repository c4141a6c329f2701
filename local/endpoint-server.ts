import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { timingSafeEqual } from 'node:crypto';
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { SmokeTestError, type ChatRequest, type Release, type Share, type Trial } from '../domain/release.ts';
import type { LocalEndpoints } from './endpoints.ts';

export interface EndpointServerOptions {
  readonly endpoints: LocalEndpoints;
  /** Who may change what is served: the deploying worker, by a token in a file only this user can read. */
  readonly adminToken: string;
}

/** The HTTP side of the local endpoint: the OpenAI routes for clients, `/admin` for the worker that deploys. */
export function createEndpointServer({ endpoints, adminToken }: EndpointServerOptions): FastifyInstance {
  const server = fastify({ requestTimeout: 0, forceCloseConnections: true });

  server.get('/healthz', () => ({ status: 'ok' }));
  server.get('/readyz', (_request, reply) =>
    endpoints.serving().length > 0 ? { status: 'ready' } : openAiError(reply, 503, 'not_ready', 'No release is being served yet.'),
  );

  server.get('/v1/models', () => ({
    object: 'list',
    data: endpoints.serving().map(({ endpoint, model, version }) => ({ id: endpoint, object: 'model', owned_by: 'tuneline', version: `${model}/${version}` })),
  }));

  server.post('/v1/chat/completions', async (request, reply) => {
    const body = request.body as Record<string, unknown> | null;
    const asked = body?.['model'];
    if (body === null || typeof asked !== 'string')
      return openAiError(reply, 400, 'invalid_request_error', `"model" is missing; this endpoint serves ${named(endpoints)}.`);
    if (!endpoints.serves(asked))
      return openAiError(reply, 404, 'model_not_found', `There is no model ${JSON.stringify(asked)} here; this endpoint serves ${named(endpoints)}.`);
    const answered = await endpoints.withEngine(asked, async ({ url, modelName }, release) => {
      const gone = new AbortController();
      reply.raw.once('close', () => gone.abort());
      const upstream = await fetch(`${url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ...body, model: modelName }),
        signal: gone.signal,
      });
      await reply
        .code(upstream.status)
        .header('content-type', upstream.headers.get('content-type') ?? 'application/json')
        .header('x-tuneline-version', `${release.model}/${release.version}`)
        .send(upstream.body === null ? '' : Readable.fromWeb(upstream.body));
      await finished(reply.raw).catch(() => undefined);
      return true;
    });
    return answered ? reply : openAiError(reply, 503, 'not_ready', `${asked} is starting; try again in a moment.`);
  });

  server.register((admin, _options, done) => {
    admin.addHook('onRequest', async (request, reply) => {
      if (!sameToken(request.headers.authorization, `Bearer ${adminToken}`)) await openAiError(reply, 401, 'unauthorized', 'The admin token is wrong or missing.');
    });
    admin.post<{ Body: { release: Release } & Trial }>('/admin/prepare', async ({ body }, reply) => {
      try {
        await endpoints.prepare(body.release, body);
        return { prepared: true };
      } catch (error) {
        if (error instanceof SmokeTestError) return reply.code(422).send({ smokeTest: error.message });
        throw error;
      }
    });
    admin.post<{ Params: Named; Body: { shares: Share[] } }>('/admin/endpoints/:endpoint/traffic', async ({ params, body }) => {
      await endpoints.setTraffic(params.endpoint, body.shares);
      return { shares: endpoints.sharesOf(params.endpoint) };
    });
    admin.get<{ Params: Named }>('/admin/endpoints/:endpoint/traffic', ({ params }) => ({ shares: endpoints.sharesOf(params.endpoint) }));
    admin.post<{ Body: { release: Release; request: ChatRequest } }>('/admin/ask', ({ body }) => endpoints.ask(body.release, body.request));
    admin.get<{ Params: Named; Querystring: { since: string } }>('/admin/endpoints/:endpoint/observations', ({ params, query }) => ({
      observations: endpoints.observe(params.endpoint, Number(query.since)),
    }));
    admin.post<{ Params: Named }>('/admin/endpoints/:endpoint/retire-idle', async ({ params }) => {
      await endpoints.retireIdle(params.endpoint);
      return { retired: true };
    });
    done();
  });

  return server;
}

interface Named {
  readonly endpoint: string;
}

const named = (endpoints: LocalEndpoints): string => endpoints.serving().map((r) => r.endpoint).join(', ') || 'none yet';

const openAiError = (reply: FastifyReply, status: number, code: string, message: string) =>
  reply.code(status).send({ error: { message, type: code, code } });

function sameToken(given: string | undefined, expected: string): boolean {
  const a = Buffer.from(given ?? '');
  const b = Buffer.from(expected);
  return a.length === b.length && timingSafeEqual(a, b);
}
