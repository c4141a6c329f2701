import { timingSafeEqual } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { ChatAnswer, ChatRequest, Release, Share, Trial } from '../domain/endpoint/release.ts';
import { askEngine, createEngines } from '../serving/engines.ts';
import { Refusal, sendRefusal } from '../serving/refusal.ts';
import { createServingServer, type ServingOptions } from '../serving/server.ts';
import { NotPreparedError, type LocalEndpoints } from './endpoints.ts';
import { smokeTest } from './smoke-test.ts';

export interface EndpointServerOptions extends Omit<ServingOptions, 'upstreams' | 'engines'> {
  readonly endpoints: LocalEndpoints;
  /**
   * Authorizes changes of what is served. It is in a file that only this user can read, for the worker that deploys.
   */
  readonly adminToken: string;
}

/** The HTTP server of the local endpoint: routes for clients, and `/admin` for the worker that deploys. */
export function createEndpointServer({ endpoints, adminToken, ...options }: EndpointServerOptions): FastifyInstance {
  const engines = createEngines();
  const server = createServingServer({ ...options, upstreams: endpoints, engines });
  server.addHook('onClose', () => engines.close());

  server.register((admin, _options, done) => {
    admin.addHook('onRequest', (request, _reply, next) => {
      if (!sameToken(request.headers.authorization, `Bearer ${adminToken}`))
        throw new Refusal(401, 'unauthorized', 'The admin token is wrong or missing.');
      next();
    });
    admin.setErrorHandler((error, _request, reply) => sendRefusal(reply, refusalForWorker(error)));
    admin.post<{ Body: { release: Release } & Trial }>(
      '/admin/prepare',
      async ({ body: { release, ...trial } }, reply) => {
        const finding = await smokeTest(engines, await endpoints.prepare(release, trial), trial.smokePrompt);
        if (finding === undefined) return { prepared: true };
        await endpoints.discard(release);
        return reply.code(422).send({
          smokeTest: `Version ${release.version} of ${release.model} did not pass its smoke test: ${finding} The endpoint ${release.endpoint} serves what it served before.`,
        });
      },
    );
    admin.post<{ Params: Named; Body: { shares: Share[] } }>(
      '/admin/endpoints/:endpoint/traffic',
      async ({ params, body }) => {
        await endpoints.setTraffic(params.endpoint, body.shares);
        return { shares: endpoints.sharesOf(params.endpoint) };
      },
    );
    admin.get<{ Params: Named }>('/admin/endpoints/:endpoint/traffic', ({ params }) => ({
      shares: endpoints.sharesOf(params.endpoint),
    }));
    admin.post<{ Body: { release: Release; request: ChatRequest } }>(
      '/admin/ask',
      ({ body }): ChatAnswer | Promise<ChatAnswer> => {
        const upstream = endpoints.upstreamOf(body.release);
        return upstream
          ? askEngine(engines, upstream, body.request)
          : { status: 0, text: '', ms: 0, completionTokens: 0 };
      },
    );
    admin.get<{ Params: Named; Querystring: { since: string } }>(
      '/admin/endpoints/:endpoint/observations',
      ({ params, query }) => ({ observations: options.observations.of(params.endpoint).since(Number(query.since)) }),
    );
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

function sameToken(given: string | undefined, expected: string): boolean {
  const a = Buffer.from(given ?? '');
  const b = Buffer.from(expected);
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Passes the reason on unchanged, so that the worker can report it. */
function refusalForWorker(error: unknown): Refusal {
  if (error instanceof NotPreparedError) return new Refusal(409, 'not_prepared', error.message);
  if (error instanceof Refusal) return error;
  return new Refusal(500, 'failed', error instanceof Error ? error.message : String(error));
}
