import { randomInt } from 'node:crypto';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { maximumEventAgeMs, signatureWindowMs } from '../../../domain/events/event.ts';
import { eventLab } from './event-lab.ts';
import {
  aliasBody,
  binaryRequest,
  cloudAttributes,
  cloudBody,
  datasetBody,
  json,
  mlflowRequest,
  signedRequest,
  structuredRequest,
  type EventRequest,
  type ToSign,
} from './event-requests.ts';

const nowMs = Date.UTC(2026, 10, 27, 12);
const requests = 10_000;
const seed = Number(process.env['TUNELINE_SEED'] ?? randomInt(2 ** 31));

/** A request of each kind that would start something, if it were new. */
const makers = [
  (to: ToSign) => mlflowRequest(aliasBody(), to),
  (to: ToSign) => signedRequest(datasetBody(nowMs), to),
  (to: ToSign) => structuredRequest(cloudBody(to.id, nowMs), to),
  (to: ToSign) => binaryRequest(cloudAttributes(to.id, nowMs), json({ dataset: 'reviews' }), to),
] as const;
const make = fc.constantFrom(...makers);
const id = fc.stringMatching(/^[a-z0-9-]{1,30}$/).map((text) => `new-${text}`);
const good = fc.tuple(make, id).map(([of, one]) => of({ id: one, nowMs }));
/** Those that were taken before. */
const known = makers.map((of, index) => of({ id: `known-${index}`, nowMs }));
const signature = (request: EventRequest): string =>
  'x-mlflow-signature' in request.headers ? 'x-mlflow-signature' : 'webhook-signature';
const withHeader = (request: EventRequest, name: string, value: string): EventRequest => ({
  ...request,
  headers: { ...request.headers, [name]: value },
});

/** Never what was signed, whatever that was. */
const longerHeader = (request: EventRequest, name: string): EventRequest =>
  withHeader(request, name, `${request.headers[name] ?? ''}-x`);

const replayed = fc.oneof(
  fc.constantFrom(...known),
  // A CloudEvent in another delivery, or in the other mode.
  id.map((one) => structuredRequest(cloudBody('known-3', nowMs), { id: one, nowMs })),
  id.map((one) => binaryRequest(cloudAttributes('known-2', nowMs), json({ dataset: 'reviews' }), { id: one, nowMs })),
  // A delivery that is signed anew.
  fc
    .integer({ min: -200, max: 200 })
    .map((late) => signedRequest(datasetBody(nowMs), { id: 'known-1', nowMs: nowMs + late * 1000 })),
);

const forged = fc.oneof(
  fc
    .tuple(make, id, fc.uint8Array({ minLength: 1, maxLength: 64 }))
    .map(([of, one, key]) => of({ id: one, nowMs, key })),
  fc
    .tuple(good, fc.string({ unit: 'grapheme-ascii', maxLength: 80 }))
    .map(([request, text]) => withHeader(request, signature(request), text)),
  good.map((request) => ({
    ...request,
    headers: Object.fromEntries(Object.entries(request.headers).filter(([name]) => name !== signature(request))),
  })),
  // One bit of the body is another.
  fc.tuple(good, fc.nat(), fc.integer({ min: 0, max: 7 })).map(([request, at, bit]) => {
    const body = Buffer.from(request.body);
    body[at % body.length] = (body[at % body.length] ?? 0) ^ (1 << bit);
    return { ...request, body };
  }),
  // Another ID, time or attribute than was signed.
  good.map((request) =>
    longerHeader(request, request.url === '/events/mlflow' ? 'x-mlflow-delivery-id' : 'webhook-id'),
  ),
  fc
    .tuple(good, fc.integer({ min: 1, max: 299 }))
    .map(([request, by]) =>
      withHeader(
        request,
        request.url === '/events/mlflow' ? 'x-mlflow-timestamp' : 'webhook-timestamp',
        String(nowMs / 1000 - by),
      ),
    ),
  fc
    .tuple(id, fc.constantFrom('ce-id', 'ce-source', 'ce-type', 'ce-more'))
    .map(([one, name]) => withHeader(makers[3]({ id: one, nowMs }), name, 'another')),
);

const windowSeconds = signatureWindowMs / 1000;
const late = fc.oneof(
  fc
    .tuple(make, id, fc.integer({ min: windowSeconds + 1, max: 10_000_000 }), fc.constantFrom(-1, 1))
    .map(([of, one, by, sign]) => of({ id: one, nowMs: nowMs + sign * by * 1000 })),
  // Signed now, and old, or dated ahead.
  fc
    .tuple(id, fc.integer({ min: 1, max: 1e9 }))
    .map(([one, by]) => signedRequest(datasetBody(nowMs - maximumEventAgeMs - by), { id: one, nowMs })),
  fc
    .tuple(id, fc.integer({ min: 1, max: 1e9 }))
    .map(([one, by]) => structuredRequest(cloudBody(one, nowMs + signatureWindowMs + by), { id: one, nowMs })),
);

/** As long as it takes, and signed as it should be. */
const long = (body: Buffer): Buffer => Buffer.concat([body, Buffer.alloc(256 * 1024 + 1 - body.length, ' ')]);
const tooLong = [
  mlflowRequest(long(aliasBody()), { id: 'long', nowMs }),
  signedRequest(long(datasetBody(nowMs)), { id: 'long', nowMs }),
  structuredRequest(long(cloudBody('long', nowMs)), { id: 'long', nowMs }),
];
const oversized = fc.constantFrom(...tooLong);

/** Signed by who may, and not to be read. */
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((some) => Buffer.from(some)),
  fc.json().map((text) => Buffer.from(text)),
  fc
    .constantFrom(aliasBody(), datasetBody(nowMs), cloudBody('cut', nowMs))
    .chain((body) => fc.nat(body.length - 1).map((at) => body.subarray(0, at))),
  fc
    .record({ type: fc.constant('dev.tuneline.dataset.changed'), time: fc.anything(), data: fc.anything() })
    .filter(({ data }) => typeof data !== 'object' || data === null || !('dataset' in data))
    .map((value) =>
      Buffer.from(JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'bigint' ? null : inner))),
    ),
);
const malformed = fc.oneof(
  fc
    .tuple(bytes, id, fc.constantFrom(mlflowRequest, signedRequest, structuredRequest))
    .map(([body, one, of]) => of(body, { id: one, nowMs })),
  fc.tuple(bytes, id).map(([body, one]) => binaryRequest(cloudAttributes(one, nowMs), body, { id: one, nowMs })),
  fc
    .tuple(id, fc.constantFrom('specversion', 'id', 'source', 'type', 'time'))
    .map(([one, missing]) =>
      binaryRequest(
        Object.fromEntries(Object.entries(cloudAttributes(one, nowMs)).filter(([name]) => name !== missing)),
        json({ dataset: 'reviews' }),
        { id: one, nowMs },
      ),
    ),
  // On a route that it was not made for.
  fc
    .tuple(good, fc.constantFrom('/events/mlflow', '/events/signed', '/events/cloudevents'))
    .filter(([request, url]) => request.url !== url)
    .map(([request, url]) => ({ ...request, url })),
);

const kinds = { replayed, forged, late, oversized, malformed };
type Kind = keyof typeof kinds;
const anyRequest = fc.oneof(
  ...(Object.keys(kinds) as Kind[]).map((kind) => ({
    weight: kind === 'oversized' ? 1 : 5,
    arbitrary: (kinds[kind] as fc.Arbitrary<EventRequest>).map((request) => ({ kind, request })),
  })),
);

test(`${requests} requests that are replayed, forged, late, too long or malformed start nothing; the seed is ${seed}`, async () => {
  const { post, started } = eventLab({ nowMs });
  for (const request of known) expect((await post(request)).status).toBe(202);
  const statuses: Record<Kind, Record<number, number>> = {
    replayed: {},
    forged: {},
    late: {},
    oversized: {},
    malformed: {},
  };
  for (const { kind, request } of fc.sample(anyRequest, { seed, numRuns: requests })) {
    const { status } = await post(request);
    statuses[kind][status] = (statuses[kind][status] ?? 0) + 1;
    if (started.size > known.length)
      throw new Error(
        `TUNELINE_SEED=${seed}: a ${kind} request started something: ${JSON.stringify({ ...request, body: request.body.toString().slice(0, 500) })}`,
      );
  }
  const seen = (kind: Kind): string[] => Object.keys(statuses[kind]);
  // Each kind came, often, and was refused for what it is.
  for (const kind of Object.keys(kinds) as Kind[])
    expect(Object.values(statuses[kind]).reduce((a, b) => a + b, 0)).toBeGreaterThan(requests / 50);
  expect(seen('replayed')).toEqual(['200']);
  expect(seen('forged')).toEqual(['401']);
  expect(seen('late')).toEqual(['400', '401']);
  expect(seen('oversized')).toEqual(['413']);
  expect(seen('malformed').every((status) => ['200', '400', '401', '415'].includes(status))).toBe(true);
  expect(statuses.malformed[400]).toBeGreaterThan(requests / 50);
});
