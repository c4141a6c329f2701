import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Access, Principal } from './access.ts';
import type { Asset } from './assets.ts';
import { pageOfAttacks, type AttacksQuery } from './attacks.ts';
import { commentFrom, decisionFrom, delegationFrom, tokenFrom } from './bodies.ts';
import { pageOfExamples, type ExamplesQuery } from './examples.ts';
import { Refusal, type Lifecycles } from './lifecycles.ts';
import { securityHeaders } from './security-headers.ts';
import { clearCookie, cookieWith, isSameOrigin, tokenOf } from './session.ts';
import type { QueueView } from './views.ts';

export interface ConsoleOptions {
  readonly lifecycles: Lifecycles;
  readonly access: Access;
  /** By path, such as `/style.css`. No other file can be requested. */
  readonly assets: ReadonlyMap<string, Asset>;
  /** The form in Temporal's UI that starts a lifecycle, if the UI's address is known. */
  readonly startUrl?: string | undefined;
  readonly log: (message: string) => void;
}

/** Enough for a comment of several pages. A decision has a few hundred bytes. */
const maximumBodyBytes = 16 * 1024;

/**
 * The review console and its JSON API. The pages are public but hold no data. The API requires a token for every
 * request except sign-in.
 */
export function createConsole({ lifecycles, access, assets, startUrl, log }: ConsoleOptions): FastifyInstance {
  // Temporal allows IDs of 1000 characters; one can take three characters in a URL.
  const server = fastify({
    bodyLimit: maximumBodyBytes,
    routerOptions: { maxParamLength: 3000 },
    forceCloseConnections: true,
  });
  // A form on another site can send text/plain without a CORS preflight.
  server.removeContentTypeParser('text/plain');
  server.addHook('onRequest', (_request, reply, done) => {
    reply.headers(securityHeaders);
    done();
  });
  server.setErrorHandler((error, _request, reply) => answerError(error, reply, log));
  server.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: 'There is nothing here.' }));

  server.get('/healthz', () => ({ status: 'ok' }));
  for (const [path, asset] of assets) server.get(path, (request, reply) => sendAsset(asset, request, reply));
  const page = assets.get('/lifecycle.html');
  if (page) server.get('/lifecycles/:id', (request, reply) => sendAsset(page, request, reply));

  server.register((api, _options, done) => {
    api.addHook('onRequest', (_request, reply, next) => {
      reply.header('cache-control', 'no-store');
      next();
    });
    api.addHook('onRequest', async (request) => {
      if (request.method !== 'GET' && !isSameOrigin(request))
        throw new Refusal(403, 'This request came from another site.');
      if (request.method === 'POST' && request.url === '/api/session') return;
      const principal = await access.principalOf(tokenOf(request) ?? '');
      if (!principal)
        throw new Refusal(401, 'Sign in with a token: "scripts/tuneline token create NAME --role reviewer" makes one.');
      principals.set(request, principal);
    });
    addSessionRoutes(api, access);
    addReadingRoutes(api, lifecycles, startUrl);
    addReviewRoutes(api, lifecycles);
    done();
  });
  return server;
}

const principals = new WeakMap<FastifyRequest, Principal>();

/** The owner of the token. The hook above has set it for every request that gets here. */
function principalOf(request: FastifyRequest): Principal {
  const principal = principals.get(request);
  if (!principal) throw new Refusal(401, 'Sign in with a token.');
  return principal;
}

function reviewerOf(request: FastifyRequest): Principal {
  const principal = principalOf(request);
  if (!principal.roles.includes('reviewer'))
    throw new Refusal(403, `${principal.name} may look, but not review: the token lacks the role "reviewer".`);
  return principal;
}

function addSessionRoutes(api: FastifyInstance, access: Access): void {
  api.get('/api/session', principalOf);
  api.post('/api/session', async (request, reply) => {
    const token = tokenFrom(request.body);
    const principal = await access.principalOf(token);
    if (!principal)
      throw new Refusal(
        401,
        'This token is not known here. It was printed once, when it was made; make another with "scripts/tuneline token create".',
      );
    return reply.header('set-cookie', cookieWith(token, request)).send(principal);
  });
  api.delete('/api/session', (request, reply) =>
    reply.header('set-cookie', clearCookie(request)).send({ signedOut: true }),
  );
}

interface ById {
  readonly Params: { readonly id: string };
}

function addReadingRoutes(api: FastifyInstance, lifecycles: Lifecycles, startUrl: string | undefined): void {
  api.get(
    '/api/lifecycles',
    async () => ({ ...(await lifecycles.list()), ...(startUrl === undefined ? {} : { startUrl }) }) satisfies QueueView,
  );
  api.get<ById>('/api/lifecycles/:id', ({ params }) => lifecycles.find(params.id));
  api.get<ById & { Querystring: ExamplesQuery }>('/api/lifecycles/:id/examples', async ({ params, query }) =>
    pageOfExamples(await lifecycles.examples(params.id), query),
  );
  api.get<ById & { Querystring: AttacksQuery }>('/api/lifecycles/:id/attacks', async ({ params, query }) =>
    pageOfAttacks(await lifecycles.attacks(params.id), query),
  );
  api.get<ById>('/api/lifecycles/:id/curve', ({ params }) => lifecycles.curve(params.id));
  api.get<ById>('/api/lifecycles/:id/profile', ({ params }) => lifecycles.profile(params.id));
  api.get<ById>('/api/lifecycles/:id/lineage', ({ params }) => lifecycles.lineage(params.id));
}

/** The token alone identifies the person who decides, delegates or comments. A name in the body is ignored. */
function addReviewRoutes(api: FastifyInstance, lifecycles: Lifecycles): void {
  api.post<ById>('/api/lifecycles/:id/review', async (request) => {
    const { name, roles } = reviewerOf(request);
    return {
      answer: await lifecycles.review(request.params.id, { ...decisionFrom(request.body), reviewer: name, roles }),
    };
  });
  api.post<ById>('/api/lifecycles/:id/delegations', async (request) => {
    const { name, roles } = reviewerOf(request);
    return {
      answer: await lifecycles.delegate(request.params.id, { ...delegationFrom(request.body), from: name, roles }),
    };
  });
  api.post<ById>('/api/lifecycles/:id/comments', async (request) => {
    const { name } = reviewerOf(request);
    return { answer: await lifecycles.comment(request.params.id, { ...commentFrom(request.body), author: name }) };
  });
}

function sendAsset({ type, etag, bodies }: Asset, request: FastifyRequest, reply: FastifyReply) {
  reply.headers({ 'cache-control': 'no-cache', etag, vary: 'accept-encoding' });
  if (request.headers['if-none-match'] === etag) return reply.code(304).send();
  const accepted = request.headers['accept-encoding'] ?? '';
  const encoding = (['br', 'gzip'] as const).find((name) => accepted.includes(name)) ?? 'identity';
  if (encoding !== 'identity') reply.header('content-encoding', encoding);
  return reply.type(type).send(bodies[encoding]);
}

function answerError(error: unknown, reply: FastifyReply, log: (message: string) => void) {
  if (error instanceof Refusal) return reply.code(error.status).send({ error: error.message });
  const { statusCode, message, stack } = error as { statusCode?: number; message?: string; stack?: string };
  // Fastify's own errors: a body that is too large, not JSON, or of another type.
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return reply.code(statusCode).send({ error: `${message ?? 'The request is wrong'}.`.replace(/\.+$/, '.') });
  log(stack ?? String(error));
  return reply.code(500).send({ error: 'The console could not answer; its log says why.' });
}
