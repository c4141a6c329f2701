import fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { decideStart, type EventRule } from '../../domain/spec/event-rules.ts';
import { keyOf, refuseDelivery, type Delivery } from '../../domain/events/event-signature.ts';
import { eventWorkflowId, refuseAge, type Event } from '../../domain/events/event.ts';
import { Refusal } from '../console/lifecycles.ts';
import { readCloudEvent, readMlflowEvent, readSignedEvent, signedContentOf } from './read-event.ts';
import { mlflowDelivery, standardDelivery, type RawRequest } from './requests.ts';
import type { EventStarter } from './starter.ts';

export interface EventServerOptions {
  readonly rules: readonly EventRule[];
  /** A route without a secret does not exist. */
  readonly secrets: EventSecrets;
  readonly starter: EventStarter;
  readonly log: (message: string) => void;
  readonly now?: () => number;
}

export interface EventSecrets {
  readonly mlflow?: string | undefined;
  /** Signs CloudEvents and the plain signed POST. */
  readonly signed?: string | undefined;
}

/** An event only names what happened; it holds references, not data. */
const maximumBodyBytes = 256 * 1024;

interface Route {
  readonly path: string;
  readonly secret: string | undefined;
  readonly delivery: (request: RawRequest) => Delivery;
  readonly read: (request: RawRequest) => Event;
}

/**
 * Takes events and starts what the rules say. It has no other routes and ignores the console's tokens and cookies, so
 * it may listen where the console must not.
 */
export function createEventServer(options: EventServerOptions): FastifyInstance {
  const { secrets, log } = options;
  const server = fastify({ bodyLimit: maximumBodyBytes, forceCloseConnections: true });
  // A signature covers the raw bytes, so no parser may run first.
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  server.setErrorHandler((error, _request, reply) => answerError(error, reply, log));
  server.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: 'There is nothing here.' }));
  server.get('/healthz', () => ({ status: 'ok' }));
  const routes: readonly Route[] = [
    { path: '/events/mlflow', secret: secrets.mlflow, delivery: mlflowDelivery, read: readMlflowEvent },
    {
      path: '/events/cloudevents',
      secret: secrets.signed,
      delivery: (request) => standardDelivery(request, signedContentOf(request)),
      read: readCloudEvent,
    },
    { path: '/events/signed', secret: secrets.signed, delivery: standardDelivery, read: readSignedEvent },
  ];
  for (const route of routes) if (route.secret !== undefined) addRoute(server, route, keyOf(route.secret), options);
  return server;
}

function addRoute(
  server: FastifyInstance,
  { path, delivery, read }: Route,
  key: Uint8Array,
  { rules, starter, log, now = Date.now }: EventServerOptions,
): void {
  server.post(path, async ({ headers, body }, reply) => {
    const request = { headers, body: Buffer.isBuffer(body) ? body : Buffer.alloc(0) };
    const unbelieved = refuseDelivery(delivery(request), key, now());
    if (unbelieved !== undefined) throw new Refusal(401, unbelieved);
    const event = read(request);
    const stale = refuseAge(event, now());
    if (stale !== undefined) throw new Refusal(400, stale);
    const start = decideStart(event, rules);
    if (!start) return { started: false, because: 'No rule fits this event.' };
    const workflowId = eventWorkflowId(event);
    const outcome = await starter.start({ workflowId, start, because: describe(event) });
    log(`${describe(event)}: ${start.start} ${workflowId} ${outcome}`);
    return reply
      .code(outcome === 'started' ? 202 : 200)
      .send({ started: outcome === 'started', because: outcome, workflowId });
  });
}

/** A description for people, in Temporal's UI and the log. Quotes text from outside. */
const describe = ({ source, origin, id, type, fields }: Event): string =>
  `${type} from ${source}${origin === '' ? '' : ` ${JSON.stringify(origin)}`}, event ${JSON.stringify(id)}${Object.entries(
    fields,
  )
    .map(([name, value]) => `, ${name} ${JSON.stringify(value)}`)
    .join('')}`.slice(0, 1000);

function answerError(error: unknown, reply: FastifyReply, log: (message: string) => void) {
  if (error instanceof Refusal) return reply.code(error.status).send({ error: error.message });
  const { statusCode, stack } = error as { statusCode?: number; stack?: string };
  if (statusCode === 413) return reply.code(413).send({ error: `The body may have ${maximumBodyBytes / 1024} KiB.` });
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return reply.code(statusCode).send({ error: 'The request is not HTTP that can be read.' });
  log(stack ?? String(error));
  // Senders, MLflow among them, retry on 503.
  return reply.code(503).send({ error: "Nothing could be started; the console's log says why. Send it again." });
}
