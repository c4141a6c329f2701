import { expect, test } from '@jest/globals';
import { Watch } from '@kubernetes/client-node';
import { namespace, typesOf, openApiServerLab } from './api-server-lab.ts';
import { kubeConfigFor } from './api-server.ts';
import type { FaultRates } from './faults.ts';

const lab = openApiServerLab();
const { clients, create, patch, watchJobs, podsOf, conditionsOf } = lab;

test('a watch tells what happened since a revision, and of rest by a bookmark', async () => {
  const { batch } = clients();
  await create('one');
  const { metadata } = await batch.listNamespacedJob({ namespace });
  await patch('one', { metadata: { labels: { open: 'true' } } });
  const watch = await watchJobs({
    resourceVersion: metadata?.resourceVersion ?? '',
    allowWatchBookmarks: true,
    labelSelector: 'team=a',
  });
  await create('two');
  await patch('one', { metadata: { labels: { team: 'b' } } });
  await watch.until((events) => events.at(-1)?.type === 'BOOKMARK' && events.some(({ type }) => type === 'DELETED'));
  expect(typesOf(watch.events).filter((event) => event !== 'BOOKMARK')).toEqual([
    'MODIFIED one',
    'ADDED two',
    'DELETED one',
  ]);
  expect(watch.events.at(-1)?.object.metadata?.resourceVersion).toBe(String(lab.server.store.revision));
  watch.stop();
  const ending = await watchJobs({ timeoutSeconds: 5 });
  expect(await ending.ended).toBeNull();
  expect(typesOf(ending.events)).toEqual(['ADDED one', 'ADDED two']);
});

test('pods are watched by the name of their Job', async () => {
  const watch = await watchJobs({ labelSelector: 'job-name=one' }, undefined, 'pods');
  await create('other');
  await create('one');
  await lab.server.controller.settle();
  await watch.until((events) => events.length >= 4);
  const [pod] = await podsOf('one');
  expect(typesOf(watch.events)).toEqual(
    ['ADDED', 'MODIFIED', 'MODIFIED', 'MODIFIED'].map((type) => `${type} ${pod?.metadata?.name ?? ''}`),
  );
  watch.stop();
});

test('the client resolves a watch that is refused with 410, and tells only `done`', async () => {
  lab.server.setFaults({ goneAtConnect: 1 });
  const watch = await watchJobs({ resourceVersion: '1' });
  expect(await watch.ended).toMatchObject({ statusCode: 410 });
  expect(watch.events).toEqual([]);
});

test('a watch from a revision that is compacted is told so in its stream', async () => {
  await create('one');
  lab.server.store.compact();
  const watch = await watchJobs({ resourceVersion: '1' });
  expect(await watch.ended).toBeNull();
  expect(watch.events).toMatchObject([{ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } }]);
});

test('the client hands an ERROR of the stream on as an event, and does not end the watch', async () => {
  await create('one');
  lab.server.setFaults({ goneInStream: 1 });
  const watch = await watchJobs({}, 50);
  expect(await watch.ended).toMatchObject({ name: 'TimeoutError' });
  expect(watch.events).toMatchObject([{ type: 'ERROR', object: { code: 410 } }]);
});

test('the client swallows a line that is cut, and says nothing of it when the watch ends so', async () => {
  lab.server.setFaults({ truncate: 1 });
  const watch = await watchJobs();
  await create('lost');
  lab.server.setFaults({});
  await create('seen');
  await watch.until((events) => events.length > 0);
  expect(typesOf(watch.events)).toEqual(['ADDED seen']);
  lab.server.setFaults({ truncateAndEnd: 1 });
  await create('last');
  expect(await watch.ended).toBeNull();
  expect(watch.events).toHaveLength(1);
});

test('the client ends a half-open watch by its own timeout of inactivity', async () => {
  lab.server.setFaults({ halfOpen: 1 });
  const watch = await watchJobs({}, 50);
  await create('one');
  expect(await watch.ended).toMatchObject({ name: 'TimeoutError' });
  expect(watch.events).toEqual([]);
  expect(new Watch(kubeConfigFor(lab.server.url))['requestTimeoutMs']).toBe(30_000);
});

test('quiet cuts the silent watches, and lets Jobs end', async () => {
  lab.server.setFaults({ silentFromStart: 1 });
  const watch = await watchJobs();
  await create('one');
  await lab.server.quiet();
  expect(await watch.ended).toBeInstanceOf(Error);
  expect(await conditionsOf('one')).toMatchObject([{ type: 'SuccessCriteriaMet' }, { type: 'Complete' }]);
});

test.each<[string, FaultRates, string[]]>([
  ['two of one object', { reorderSame: 1 }, ['MODIFIED', 'ADDED']],
  ['none of two objects', { reorderAcross: 1 }, ['ADDED', 'MODIFIED']],
  ['one twice', { duplicate: 1 }, ['ADDED', 'ADDED']],
])('events come in another order or number: %s', async (_what, rates, types) => {
  const created = await create('one');
  await patch('one', { metadata: { labels: { open: 'true' } } });
  lab.server.setFaults(rates);
  const watch = await watchJobs({ resourceVersion: String(Number(created.metadata?.resourceVersion) - 1) });
  await watch.until((events) => events.length >= 2);
  expect(watch.events.slice(0, 2).map(({ type }) => type)).toEqual(types);
  watch.stop();
});
