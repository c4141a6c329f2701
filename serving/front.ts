import fastify, { type FastifyInstance } from 'fastify';
import { frontRoutes, type FrontSettings } from '../domain/front-settings.ts';
import { releaseId } from '../domain/release.ts';
import { chat } from './chat.ts';
import { refusalOf, sendRefusal } from './refusal.ts';
import { createServingServer, type ServingOptions } from './server.ts';
import type { Upstream, Upstreams } from './upstreams.ts';

export interface Front {
  /** For clients. Its close lets what is in flight finish. */
  readonly clients: FastifyInstance;
  /** For the worker, probes and Prometheus: it outlives the other. */
  readonly internal: FastifyInstance;
}

/** An engine that does not say so at once is not well. */
const healthMs = 4000;

/** What stands before one release's engine, which somebody else starts and ends. */
export function createFront(settings: FrontSettings, options: Omit<ServingOptions, 'upstreams' | 'onClosing' | 'onDrained' | 'closeGraceMs'>): Front {
  const upstreams = onlyOne(settings);
  const drained = Promise.withResolvers<undefined>();
  let isEnding = false;
  const clients = createServingServer({
    ...options,
    upstreams,
    closeGraceMs: settings.drainSeconds * 1000,
    onClosing: () => (isEnding = true),
    onDrained: () => drained.resolve(undefined),
  });
  const isEngineWell = (): Promise<boolean> =>
    fetch(`${settings.engine.url}/health`, { signal: AbortSignal.timeout(healthMs) }).then(({ ok }) => ok, () => false);

  const internal = fastify({ genReqId: () => 'internal' });
  internal.setErrorHandler((error, _request, reply) => sendRefusal(reply, refusalOf(error, options.log)));
  internal.get(frontRoutes.health, () => ({ status: 'ok' }));
  internal.get(frontRoutes.engine, async (_request, reply) => reply.code((await isEngineWell()) ? 200 : 503).send());
  internal.get(frontRoutes.ready, async (_request, reply) => reply.code(!isEnding && (await isEngineWell()) ? 200 : 503).send());
  internal.get(frontRoutes.drained, async () => {
    await drained.promise;
    return { status: 'drained' };
  });
  internal.get<{ Querystring: { since?: string } }>(frontRoutes.observations, ({ query }) => options.observations.of(settings.release.endpoint).since(Number(query.since ?? 0)));
  internal.get('/metrics', async (_request, reply) => {
    const { headers, payload } = await clients.inject('/metrics');
    return reply.type(String(headers['content-type'])).send(payload);
  });
  // What the worker asks is no client's, and is not counted as one's.
  const parts = { upstreams, engines: options.engines, random: Math.random, onExchange: () => undefined, onGuard: () => undefined };
  internal.post(frontRoutes.chat, (request, reply) => chat(parts, request.id, request.body, reply));
  return { clients, internal };
}

/** It is taken to run: where nobody listens, requests wait for it to be started again. */
function onlyOne({ release, template, engine }: FrontSettings): Upstreams {
  const upstream: Upstream = { key: releaseId(release), release, ...engine, ...(template === undefined ? {} : { template }) };
  return {
    endpoints: () => [release.endpoint],
    serving: () => [release],
    take: (endpoint, { except }) => (endpoint === release.endpoint && !except.has(upstream.key) ? { upstream, done: () => undefined } : undefined),
    untilServing: () => Promise.resolve(),
  };
}
