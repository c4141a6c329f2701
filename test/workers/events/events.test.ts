import { expect, test } from '@jest/globals';
import { CloudEvent, HTTP } from 'cloudevents';
import { Webhook } from 'standardwebhooks';
import { eventLab } from './event-lab.ts';
import {
  aliasBody,
  binaryRequest,
  cloudAttributes,
  cloudBody,
  datasetBody,
  json,
  mlflowRequest,
  secrets,
  signedRequest,
  structuredRequest,
} from './event-requests.ts';

const nowMs = Date.UTC(2026, 10, 27, 12);
const data = json({ dataset: 'reviews' });

test('a webhook of MLflow starts what its rule says, once; MLflow sends the very same again where it heard no answer', async () => {
  const { post, started } = eventLab({ nowMs });
  const request = mlflowRequest(aliasBody(), { id: 'd-1', nowMs });
  const first = await post(request);
  expect(first).toMatchObject({ status: 202, answer: { started: true } });
  expect([...started.values()]).toMatchObject([
    {
      start: { start: 'redeploy', model: 'summaries', endpoint: 'summaries' },
      because: 'model_version_alias.created from mlflow, event "d-1", model "summaries", alias "champion", version "3"',
    },
  ]);
  expect(await post(request)).toEqual({
    status: 200,
    answer: { started: false, because: 'already started', workflowId: first.answer['workflowId'] },
  });
  expect(started.size).toBe(1);
});

test('one CloudEvent is one event, in binary or structured mode, by whatever delivery', async () => {
  const { post, started } = eventLab({ nowMs });
  const statuses = [];
  for (const request of [
    binaryRequest(cloudAttributes('e-1', nowMs), data, { id: 'msg-1', nowMs }),
    structuredRequest(cloudBody('e-1', nowMs), { id: 'msg-2', nowMs }),
    structuredRequest(cloudBody('e-2', nowMs), { id: 'msg-3', nowMs }),
  ])
    statuses.push((await post(request)).status);
  expect(statuses).toEqual([202, 200, 202]);
  expect([...started.values()].map(({ start }) => start)).toEqual(
    [1, 2].map(() => ({ start: 'lifecycle', spec: 'spec.json' })),
  );
});

test('the attributes of a CloudEvent in binary mode are signed, too', async () => {
  const { post, started } = eventLab({ nowMs });
  const request = binaryRequest(cloudAttributes('e-1', nowMs), data, { id: 'msg-1', nowMs });
  const { status } = await post({ ...request, headers: { ...request.headers, 'ce-id': 'e-2' } });
  expect([status, started.size]).toEqual([401, 0]);
});

test('what the library of Standard Webhooks signs, the console takes', async () => {
  const { post } = eventLab({ nowMs });
  const body = datasetBody(nowMs);
  const signature = new Webhook(secrets.signed).sign('msg_1', new Date(nowMs), body.toString());
  const headers = {
    'webhook-id': 'msg_1',
    'webhook-timestamp': String(nowMs / 1000),
    'webhook-signature': `v1,bm90IHRoaXM= v2,x ${signature}`,
  };
  expect(await post({ url: '/events/signed', headers, body })).toMatchObject({ status: 202 });
});

test('what the library of CloudEvents writes, the console reads, in both modes', async () => {
  const { post, started } = eventLab({ nowMs });
  const event = new CloudEvent({ ...cloudAttributes('é 1', nowMs), data: { dataset: 'reviews' } });
  const structured = HTTP.structured(event);
  expect(await post(structuredRequest(Buffer.from(String(structured.body)), { id: 'msg-1', nowMs }))).toMatchObject({
    status: 202,
  });
  const { headers, body } = HTTP.binary(event);
  const attributes = Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      name.startsWith('ce-') ? [[name.slice(3), encodeURIComponent(String(value))]] : [],
    ),
  );
  expect(await post(binaryRequest(attributes, Buffer.from(String(body)), { id: 'msg-2', nowMs }))).toMatchObject({
    status: 200,
    answer: { because: 'already started' },
  });
  expect(started.size).toBe(1);
});

test('what was signed for one route means nothing on another, with the same secret', async () => {
  const { post, started } = eventLab({ nowMs });
  const cloud = structuredRequest(cloudBody('e-1', nowMs), { id: 'msg-1', nowMs });
  expect(await post({ ...cloud, url: '/events/signed' })).toMatchObject({ status: 400 });
  const plain = signedRequest(datasetBody(nowMs), { id: 'msg-2', nowMs });
  expect(
    await post({
      ...plain,
      url: '/events/cloudevents',
      headers: { ...plain.headers, 'content-type': 'application/cloudevents+json' },
    }),
  ).toMatchObject({ status: 400 });
  expect(started.size).toBe(0);
});

test('an event that no rule fits is taken, and starts nothing', async () => {
  const { post, started } = eventLab({ nowMs });
  expect(await post(signedRequest(datasetBody(nowMs, 'other'), { id: 'msg-1', nowMs }))).toEqual({
    status: 200,
    answer: { started: false, because: 'No rule fits this event.' },
  });
  expect(started.size).toBe(0);
});

test('where nothing can be started the sender is asked to send again, and the reason stays in the log', async () => {
  const { post, logged } = eventLab({ nowMs, start: () => Promise.reject(new Error('Temporal is away at 10.0.0.1')) });
  const { status, answer } = await post(signedRequest(datasetBody(nowMs), { id: 'msg-1', nowMs }));
  expect(status).toBe(503);
  expect(JSON.stringify(answer)).not.toContain('10.0.0.1');
  expect(logged.join('')).toContain('Temporal is away');
});
