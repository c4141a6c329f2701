import { sign } from '../../../domain/events/event-signature.ts';

export interface EventRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export const secrets = {
  mlflow: 'a secret that MLflow knows',
  signed: `whsec_${Buffer.from('a secret that senders know').toString('base64')}`,
};
const keys = { mlflow: Buffer.from(secrets.mlflow), signed: Buffer.from('a secret that senders know') };

export interface ToSign {
  readonly id: string;
  readonly nowMs: number;
  readonly key?: Uint8Array;
}

const seconds = (nowMs: number): string => String(Math.floor(nowMs / 1000));

export function mlflowRequest(body: Buffer, { id, nowMs, key = keys.mlflow }: ToSign): EventRequest {
  const timestamp = seconds(nowMs);
  const signature = sign(id, timestamp, body, key);
  return {
    url: '/events/mlflow',
    headers: {
      'content-type': 'application/json',
      'x-mlflow-delivery-id': id,
      'x-mlflow-timestamp': timestamp,
      'x-mlflow-signature': signature,
    },
    body,
  };
}

export const signedRequest = (body: Buffer, to: ToSign): EventRequest => ({
  url: '/events/signed',
  headers: { 'content-type': 'application/json', ...standardHeaders(body, to) },
  body,
});
export const structuredRequest = (body: Buffer, to: ToSign): EventRequest => ({
  url: '/events/cloudevents',
  headers: { 'content-type': 'application/cloudevents+json', ...standardHeaders(body, to) },
  body,
});

export function binaryRequest(attributes: Readonly<Record<string, string>>, body: Buffer, to: ToSign): EventRequest {
  const lines = Object.entries(attributes)
    .map(([name, value]) => [`ce-${name}`, value] as const)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  const content = Buffer.concat([
    Buffer.from(`${lines.map(([name, value]) => `${name}:${value}\n`).join('')}\n`),
    body,
  ]);
  return {
    url: '/events/cloudevents',
    headers: { 'content-type': 'application/json', ...Object.fromEntries(lines), ...standardHeaders(content, to) },
    body,
  };
}

function standardHeaders(
  content: Uint8Array,
  { id, nowMs, key = keys.signed }: ToSign,
): Readonly<Record<string, string>> {
  const timestamp = seconds(nowMs);
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': sign(id, timestamp, content, key) };
}

export const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

export const aliasBody = (version = '3'): Buffer =>
  json({
    entity: 'model_version_alias',
    action: 'created',
    timestamp: '2026-01-01T00:00:00+00:00',
    data: { name: 'summaries', alias: 'champion', version },
  });
export const datasetBody = (atMs: number, dataset = 'reviews'): Buffer =>
  json({ type: 'dev.tuneline.dataset.changed', time: new Date(atMs).toISOString(), data: { dataset } });
export const cloudAttributes = (id: string, atMs: number) => ({
  specversion: '1.0',
  id,
  source: '/data/reviews',
  type: 'dev.tuneline.dataset.changed',
  time: new Date(atMs).toISOString(),
});
export const cloudBody = (id: string, atMs: number): Buffer =>
  json({ ...cloudAttributes(id, atMs), datacontenttype: 'application/json', data: { dataset: 'reviews' } });
