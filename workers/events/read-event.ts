import { z } from 'zod';
import { eventFields, repositoryOf, type Event } from '../../domain/events/event.ts';
import { Refusal } from '../console/lifecycles.ts';
import { headerOf, type RawRequest } from './requests.ts';

const text = z.string().min(1).max(1000);
const told = z.record(z.string(), z.unknown());

const mlflowBody = z.object({ entity: text, action: text, data: told });
// Strict, so that a body that was signed for another route is refused.
const signedBody = z.strictObject({ type: text, time: z.iso.datetime({ offset: true }), data: told });
const cloudEvent = z.object({
  specversion: z.literal('1.0'),
  id: text,
  source: text,
  type: text,
  time: z.iso.datetime({ offset: true }),
  data: told,
});

/**
 * These throw a `Refusal` that says what the request must hold. MLflow gives each delivery one ID and one signature.
 */
export function readMlflowEvent(request: RawRequest): Event {
  const { entity, action, data } = parse(
    mlflowBody,
    jsonOf(request),
    'a webhook of MLflow: {"entity", "action", "data"}',
  );
  const type = `${entity}.${action}`;
  const { name, ...rest } = data;
  const occurredAtMs = Number(headerOf(request, 'x-mlflow-timestamp')) * 1000;
  return {
    source: 'mlflow',
    origin: '',
    id: idOf(request, 'x-mlflow-delivery-id'),
    type,
    occurredAtMs,
    fields: fieldsOf(type, { ...rest, model: name }),
  };
}

export function readSignedEvent(request: RawRequest): Event {
  const { type, time, data } = parse(
    signedBody,
    jsonOf(request),
    '{"type", "time": when it happened, such as 2026-01-31T12:00:00Z, "data"} and nothing else',
  );
  return {
    source: 'signed',
    origin: '',
    id: idOf(request, 'webhook-id'),
    type,
    occurredAtMs: Date.parse(time),
    fields: fieldsOf(type, data),
  };
}

/** Accepts binary and structured mode. An event's own source and ID identify it, whatever delivery carries it. */
export function readCloudEvent(request: RawRequest): Event {
  const { source, id, type, time, data } = parse(
    cloudEvent,
    decode(request),
    'one CloudEvent 1.0 with "time" and an object as "data", in JSON',
  );
  return {
    source: 'cloudevents',
    origin: source,
    id,
    type,
    occurredAtMs: Date.parse(time),
    fields: fieldsOf(type, data),
  };
}

/** Decodes by hand: the official library invents a missing ID and time, so that a repeated event would look new. */
function decode(request: RawRequest): unknown {
  const type = (headerOf(request, 'content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase();
  if (type === 'application/cloudevents+json') return jsonOf(request);
  if (type !== 'application/json')
    throw new Refusal(
      415,
      'The request must be one CloudEvent in JSON: application/cloudevents+json, or application/json with its attributes in ce- headers.',
    );
  const attributes = Object.keys(request.headers).flatMap((name) =>
    name.startsWith('ce-') ? [[name.slice(3), attributeOf(headerOf(request, name) ?? '')]] : [],
  );
  return { ...Object.fromEntries(attributes), data: jsonOf(request) };
}

/** Decodes percent-encoding, which carries characters that HTTP headers can't hold. */
function attributeOf(header: string): string {
  try {
    return decodeURIComponent(header);
  } catch {
    throw new Refusal(400, 'An attribute of the CloudEvent is not percent-encoded as it must be.');
  }
}

/**
 * The signed part of a CloudEvent. In binary mode half of the event is in headers. Then one line `ce-NAME:VALUE` per
 * header, sorted by name, and an empty line precede the body. Otherwise somebody who saw a request could send it again
 * as another event.
 */
export function signedContentOf({ headers, body }: RawRequest): Uint8Array {
  const attributes = Object.keys(headers).filter((name) => name.startsWith('ce-'));
  if (attributes.length === 0) return body;
  const lines = attributes.toSorted().map((name) => `${name}:${String(headers[name])}\n`);
  return Buffer.concat([Buffer.from(`${lines.join('')}\n`), body]);
}

/** The fields that a rule may match. */
function fieldsOf(type: string, data: Readonly<Record<string, unknown>>): Event['fields'] {
  const known: readonly string[] = Object.hasOwn(eventFields, type)
    ? eventFields[type as keyof typeof eventFields]
    : [];
  const entries = known.flatMap((name): [string, string][] => {
    const value = data[name];
    return typeof value === 'string' ? [[name, name === 'image' ? repositoryOf(value) : value]] : [];
  });
  return Object.fromEntries(entries);
}

/** Never missing in practice, because the signature covers this header. */
const idOf = (request: RawRequest, header: string): string => headerOf(request, header) ?? '';

function jsonOf({ body }: RawRequest): unknown {
  try {
    return JSON.parse(utf8(body));
  } catch {
    throw new Refusal(400, 'The body is not JSON in UTF-8.');
  }
}

const utf8 = (bytes: Uint8Array): string => new TextDecoder('utf-8', { fatal: true }).decode(bytes);

function parse<T>(schema: z.ZodType<T>, body: unknown, expected: string): T {
  const { success, data } = schema.safeParse(body);
  if (!success) throw new Refusal(400, `The body must be ${expected}.`);
  return data;
}
