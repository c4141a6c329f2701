import fastify, { type FastifyInstance } from 'fastify';
import { releaseProxyRoutes, type ReleaseProxySettings } from '../domain/endpoint/release-proxy-settings.ts';
import { releaseId } from '../domain/endpoint/release.ts';
import { chat } from './chat.ts';
import { refusalOf, sendRefusal } from './refusal.ts';
import { createServingServer, type ServingOptions } from './server.ts';
import type { Upstream, Upstreams } from './upstreams.ts';

export interface ReleaseProxy {
  /** For clients. Closing it lets open requests finish. */
  readonly clients: FastifyInstance;
  /** For the worker, probes and Prometheus. It stays open after `clients` is closed. */
  readonly internal: FastifyInstance;
}

/** A healthy engine answers at once. */
const healthMs = 4000;

/** Serves clients of one release from its engine. It neither starts nor ends the engine. */
export function createReleaseProxy(
  settings: ReleaseProxySettings,
  options: Omit<ServingOptions, 'upstreams' | 'onClosing' | 'onDrained' | 'closeGraceMs'>,
): ReleaseProxy {
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
    fetch(`${settings.engine.url}/health`, { signal: AbortSignal.timeout(healthMs) }).then(
      ({ ok }) => ok,
      () => false,
    );

  const internal = fastify({ genReqId: () => 'internal' });
  internal.setErrorHandler((error, _request, reply) => sendRefusal(reply, refusalOf(error, options.log)));
  internal.get(releaseProxyRoutes.health, () => ({ status: 'ok' }));
  internal.get(releaseProxyRoutes.engine, async (_request, reply) =>
    reply.code((await isEngineWell()) ? 200 : 503).send(),
  );
  internal.get(releaseProxyRoutes.ready, async (_request, reply) =>
    reply.code(!isEnding && (await isEngineWell()) ? 200 : 503).send(),
  );
  internal.get(releaseProxyRoutes.drained, async () => {
    await drained.promise;
    return { status: 'drained' };
  });
  internal.get<{ Querystring: { since?: string } }>(releaseProxyRoutes.observations, ({ query }) =>
    options.observations.of(settings.release.endpoint).since(Number(query.since ?? 0)),
  );
  internal.get('/metrics', async (_request, reply) => {
    const { headers, payload } = await clients.inject('/metrics');
    return reply.type(String(headers['content-type'])).send(payload);
  });
  // The worker is not a client, so its requests are not counted as those of clients.
  const parts = {
    upstreams,
    engines: options.engines,
    random: Math.random,
    onExchange: () => undefined,
    onGuard: () => undefined,
  };
  internal.post(releaseProxyRoutes.chat, (request, reply) => chat(parts, request.id, request.body, reply));
  return { clients, internal };
}

/** The engine counts as running. While it restarts, requests wait for it. */
function onlyOne({ release, template, engine }: ReleaseProxySettings): Upstreams {
  const upstream: Upstream = {
    key: releaseId(release),
    release,
    ...engine,
    ...(template === undefined ? {} : { template }),
  };
  return {
    endpoints: () => [release.endpoint],
    serving: () => [release],
    take: (endpoint, { except }) =>
      endpoint === release.endpoint && !except.has(upstream.key) ? { upstream, done: () => undefined } : undefined,
    untilServing: () => Promise.resolve(),
  };
}
