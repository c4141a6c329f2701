import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import {
  ApiException,
  BatchV1Api,
  CoreV1Api,
  PatchStrategy,
  setHeaderOptions,
  Watch,
  type V1DeleteOptions,
  type V1Job,
} from '@kubernetes/client-node';
import { kubeConfigFor, startFakeApiServer, type FakeApiServer } from './api-server.ts';
import type { FaultRates } from './faults.ts';

const namespace = 'training';
let server: FakeApiServer;

beforeAll(async () => void (server = await startFakeApiServer()));
beforeEach(() => server.reset(1));
afterAll(() => server.close());

function clients() {
  const config = kubeConfigFor(server.url);
  return { batch: config.makeApiClient(BatchV1Api), core: config.makeApiClient(CoreV1Api) };
}

/** The client's models are classes that it takes as plain literals. */
const model = <T>(literal: object) => literal as T;
const jobOf = (name: string, spec: object = {}) =>
  model<V1Job>({
    metadata: { name, labels: { team: 'a' } },
    spec: {
      template: {
        metadata: { labels: { stage: 'train' } },
        spec: { restartPolicy: 'Never', containers: [{ name: 'job', image: 'image' }] },
      },
      ...spec,
    },
  });
const erase = (name: string, options: object) =>
  clients().batch.deleteNamespacedJob({ name, namespace, body: model<V1DeleteOptions>(options) });
const create = (name: string, spec?: object) =>
  clients().batch.createNamespacedJob({ namespace, body: jobOf(name, spec) });
const patch = (name: string, body: unknown, strategy: string = PatchStrategy.MergePatch) =>
  clients().batch.patchNamespacedJob({ name, namespace, body }, setHeaderOptions('Content-Type', strategy));
const podsOf = async (name: string) =>
  (await clients().core.listNamespacedPod({ namespace, labelSelector: `batch.kubernetes.io/job-name=${name}` })).items;
const conditionsOf = async (name: string) =>
  (await clients().batch.readNamespacedJob({ name, namespace })).status?.conditions?.map(({ type, reason }) => ({
    type,
    reason,
  }));

/** The code and reason of the Status that the server answered with, or the error itself. */
async function refusal(call: Promise<unknown>): Promise<{ code: number; reason: string }> {
  const error = await call.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  if (!(error instanceof ApiException)) throw error instanceof Error ? error : new Error('it was accepted');
  const { reason } = (typeof error.body === 'string' ? JSON.parse(error.body) : error.body) as { reason: string };
  return { code: error.code, reason };
}

interface Seen {
  readonly type: string;
  readonly object: { code?: number; metadata?: { name?: string; resourceVersion?: string } };
}

/** A watch of the real client whose events can be awaited, by how many there are. */
async function watchJobs(
  query: Record<string, string | number | boolean> = {},
  requestTimeoutMs?: number,
  resource: 'jobs' | 'pods' = 'jobs',
) {
  const watch = new Watch(kubeConfigFor(server.url));
  if (requestTimeoutMs !== undefined) watch['requestTimeoutMs'] = requestTimeoutMs;
  const events: Seen[] = [];
  const waiting = new Set<() => void>();
  const ended = Promise.withResolvers<unknown>();
  const path = `/${resource === 'jobs' ? 'apis/batch/v1' : 'api/v1'}/namespaces/${namespace}/${resource}`;
  const seen = (type: string, object: Seen['object']) => {
    events.push({ type, object });
    for (const look of waiting) look();
  };
  const controller = await watch.watch(path, query, seen, (error: unknown) => ended.resolve(error));
  const until = (there: (seen: readonly Seen[]) => boolean) =>
    new Promise<void>((resolve) => {
      const look = () => (there(events) ? resolve() : undefined);
      waiting.add(look);
      look();
    });
  return { events, ended: ended.promise, until, stop: () => controller.abort() };
}
const typesOf = (events: readonly Seen[]) =>
  events.map(({ type, object }) => `${type} ${object.metadata?.name ?? ''}`.trim());

test('a Job is created once, read and listed by its labels', async () => {
  const { batch } = clients();
  const created = await create('one');
  expect(created.metadata).toMatchObject({ name: 'one', namespace, generation: 1 });
  expect(created.metadata?.uid).toBeTruthy();
  expect(created.metadata?.creationTimestamp).toBeInstanceOf(Date);
  expect(await refusal(create('one'))).toEqual({ code: 409, reason: 'AlreadyExists' });
  expect(await refusal(batch.readNamespacedJob({ name: 'two', namespace }))).toEqual({ code: 404, reason: 'NotFound' });
  const found = async (labelSelector: string) =>
    (await batch.listNamespacedJob({ namespace, labelSelector })).items.map((job) => job.metadata?.name);
  expect(await found('team=a,team')).toEqual(['one']);
  expect(await found('team=a,stage')).toEqual([]);
  expect(await found('team in (b,a),team')).toEqual(['one']);
  expect(await found('team in (b,c)')).toEqual([]);
  expect(server.log).toMatchObject([
    { method: 'POST', name: 'one', code: 201, applied: true, user: 'runner' },
    { method: 'POST', code: 409, applied: false },
  ]);
});

test('a Job is patched by merge, and only from the revision that the patch names', async () => {
  const created = await create('one');
  const merged = await patch('one', {
    metadata: { labels: { team: null, open: 'true' } },
    spec: { ttlSecondsAfterFinished: 5 },
  });
  expect(merged.metadata).toMatchObject({ labels: { open: 'true' }, generation: 2 });
  expect(
    await refusal(
      patch('one', { metadata: { resourceVersion: created.metadata?.resourceVersion, labels: { open: 'no' } } }),
    ),
  ).toEqual({ code: 409, reason: 'Conflict' });
  const before = server.store.revision;
  await patch('one', { spec: { ttlSecondsAfterFinished: 5 } }, PatchStrategy.StrategicMergePatch);
  expect(server.store.revision).toBe(before);
});

test('a Job deleted in the foreground goes after its pods, and only by its own UID', async () => {
  const { batch } = clients();
  server.setPlan(() => ({ does: 'run for ever' }));
  const { metadata } = await create('one');
  await server.controller.settle();
  expect(await refusal(erase('one', { preconditions: { uid: 'another' } }))).toEqual({ code: 409, reason: 'Conflict' });
  await erase('one', { preconditions: { uid: metadata?.uid }, propagationPolicy: 'Foreground' });
  expect((await batch.readNamespacedJob({ name: 'one', namespace })).metadata?.deletionTimestamp).toBeDefined();
  expect(server.controller.step()).toMatch(/^terminate one-/);
  expect(server.controller.step()).toMatch(/^remove one-/);
  expect(server.controller.step()).toBe('remove one');
  expect(server.controller.step()).toBeUndefined();
  expect(await refusal(batch.readNamespacedJob({ name: 'one', namespace }))).toEqual({ code: 404, reason: 'NotFound' });
  expect(server.deletions).toEqual([
    { resource: 'jobs', name: 'one', uid: metadata?.uid, by: 'request', user: 'runner' },
  ]);
});

test('a Job runs its pod to the end of its plan', async () => {
  server.setPlan((job) =>
    job.metadata.name === 'good'
      ? { message: '{"ok":true}', log: 'a\nb\nc\n' }
      : { exitCode: 137, reason: 'OOMKilled' },
  );
  await create('good');
  await create('bad');
  await server.controller.settle();
  expect(await conditionsOf('good')).toMatchObject([{ type: 'SuccessCriteriaMet' }, { type: 'Complete' }]);
  expect(await conditionsOf('bad')).toEqual(
    ['FailureTarget', 'Failed'].map((type) => ({ type, reason: 'BackoffLimitExceeded' })),
  );
  const [pod] = await podsOf('good');
  expect(pod?.metadata?.labels).toMatchObject({ stage: 'train', 'job-name': 'good' });
  expect(pod?.status?.containerStatuses?.[0]?.state?.terminated).toMatchObject({ exitCode: 0, message: '{"ok":true}' });
  const name = pod?.metadata?.name ?? '';
  expect(await clients().core.readNamespacedPodLog({ name, namespace, tailLines: 2 })).toBe('b\nc\n');
  expect(await clients().core.readNamespacedPodLog({ name, namespace, limitBytes: 3 })).toBe('a\nb');
  expect((await clients().core.listNamespacedEvent({ namespace })).items).toEqual([]);
  expect([server.podsStarted('good'), server.maximumLivePods('good'), server.livePods('good')]).toEqual([1, 1, 0]);
});

test('a Job past its deadline loses its pod first, is failed then, and gets no other', async () => {
  server.setPlan(() => ({ does: 'run for ever' }));
  await create('one');
  await server.controller.settle();
  await patch('one', { spec: { activeDeadlineSeconds: 1 } });
  expect(server.controller.step()).toBe('exceed deadline of one');
  expect(await conditionsOf('one')).toEqual([{ type: 'FailureTarget', reason: 'DeadlineExceeded' }]);
  expect([server.controller.step(), server.controller.step()]).toEqual([
    expect.stringMatching(/^terminate one-/),
    expect.stringMatching(/^remove one-/),
  ]);
  expect(await conditionsOf('one')).toHaveLength(1);
  expect([server.controller.step(), server.controller.step()]).toEqual(['fail one', undefined]);
  expect(await conditionsOf('one')).toEqual(
    ['FailureTarget', 'Failed'].map((type) => ({ type, reason: 'DeadlineExceeded' })),
  );
  expect(server.podsStarted('one')).toBe(1);
});

test('an evicted pod is replaced where the Job ignores disruptions, never two at a time', async () => {
  server.setPlan((_job, number) => (number === 1 ? { does: 'get evicted' } : {}));
  const podFailurePolicy = {
    rules: [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }],
  };
  await create('patient', { podFailurePolicy });
  await create('strict');
  await server.controller.settle();
  expect(await conditionsOf('patient')).toMatchObject([{ type: 'SuccessCriteriaMet' }, { type: 'Complete' }]);
  expect(await conditionsOf('strict')).toMatchObject([{ type: 'FailureTarget' }, { type: 'Failed' }]);
  expect([server.podsStarted('patient'), server.maximumLivePods('patient')]).toEqual([2, 1]);
});

test('a pod can wait for ever, for a node or for its image, and a queued Job for its quota', async () => {
  server.setPlan((job) =>
    job.metadata.name === 'no-node' ? { does: 'stay unscheduled' } : { does: 'wait', reason: 'ImagePullBackOff' },
  );
  await create('no-node');
  await create('no-image');
  await create('suspended', { suspend: true });
  await server.controller.settle();
  const [unscheduled, unpulled] = [(await podsOf('no-node'))[0]?.status, (await podsOf('no-image'))[0]?.status];
  expect(unscheduled?.conditions).toMatchObject([{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable' }]);
  expect(unpulled?.containerStatuses?.[0]?.state?.waiting?.reason).toBe('ImagePullBackOff');
  expect(await podsOf('suspended')).toEqual([]);
  await patch('suspended', { metadata: { labels: { 'kueue.x-k8s.io/queue-name': 'gpus' } } });
  await server.controller.settle();
  expect(await podsOf('suspended')).toHaveLength(1);
});

test('a Job with a TTL is collected once it has ended, on record', async () => {
  await create('one');
  await patch('one', { spec: { ttlSecondsAfterFinished: 60 } });
  await server.controller.settle();
  expect([server.store.list('jobs'), server.store.list('pods')]).toEqual([[], []]);
  expect(server.deletions).toMatchObject([{ name: 'one', by: 'ttl' }]);
});

test('a pod that is deleted alone fails its Job', async () => {
  server.setPlan(() => ({ does: 'run for ever' }));
  await create('one');
  await server.controller.settle();
  const [pod] = await podsOf('one');
  await clients().core.deleteNamespacedPod({ name: pod?.metadata?.name ?? '', namespace });
  await server.controller.settle();
  expect(await conditionsOf('one')).toEqual(
    ['FailureTarget', 'Failed'].map((type) => ({ type, reason: 'BackoffLimitExceeded' })),
  );
  expect([await podsOf('one'), server.podsStarted('one')]).toEqual([[], 1]);
});

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
  expect(watch.events.at(-1)?.object.metadata?.resourceVersion).toBe(String(server.store.revision));
  watch.stop();
  const ending = await watchJobs({ timeoutSeconds: 5 });
  expect(await ending.ended).toBeNull();
  expect(typesOf(ending.events)).toEqual(['ADDED one', 'ADDED two']);
});

test('pods are watched by the name of their Job', async () => {
  const watch = await watchJobs({ labelSelector: 'job-name=one' }, undefined, 'pods');
  await create('other');
  await create('one');
  await server.controller.settle();
  await watch.until((events) => events.length >= 4);
  const [pod] = await podsOf('one');
  expect(typesOf(watch.events)).toEqual(
    ['ADDED', 'MODIFIED', 'MODIFIED', 'MODIFIED'].map((type) => `${type} ${pod?.metadata?.name ?? ''}`),
  );
  watch.stop();
});

test('the client resolves a watch that is refused with 410, and tells only `done`', async () => {
  server.setFaults({ goneAtConnect: 1 });
  const watch = await watchJobs({ resourceVersion: '1' });
  expect(await watch.ended).toMatchObject({ statusCode: 410 });
  expect(watch.events).toEqual([]);
});

test('a watch from a revision that is compacted is told so in its stream', async () => {
  await create('one');
  server.store.compact();
  const watch = await watchJobs({ resourceVersion: '1' });
  expect(await watch.ended).toBeNull();
  expect(watch.events).toMatchObject([{ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } }]);
});

test('the client hands an ERROR of the stream on as an event, and does not end the watch', async () => {
  await create('one');
  server.setFaults({ goneInStream: 1 });
  const watch = await watchJobs({}, 50);
  expect(await watch.ended).toMatchObject({ name: 'TimeoutError' });
  expect(watch.events).toMatchObject([{ type: 'ERROR', object: { code: 410 } }]);
});

test('the client swallows a line that is cut, and says nothing of it when the watch ends so', async () => {
  server.setFaults({ truncate: 1 });
  const watch = await watchJobs();
  await create('lost');
  server.setFaults({});
  await create('seen');
  await watch.until((events) => events.length > 0);
  expect(typesOf(watch.events)).toEqual(['ADDED seen']);
  server.setFaults({ truncateAndEnd: 1 });
  await create('last');
  expect(await watch.ended).toBeNull();
  expect(watch.events).toHaveLength(1);
});

test('the client ends a half-open watch by its own timeout of inactivity', async () => {
  server.setFaults({ halfOpen: 1 });
  const watch = await watchJobs({}, 50);
  await create('one');
  expect(await watch.ended).toMatchObject({ name: 'TimeoutError' });
  expect(watch.events).toEqual([]);
  expect(new Watch(kubeConfigFor(server.url))['requestTimeoutMs']).toBe(30_000);
});

test('quiet cuts the silent watches, and lets Jobs end', async () => {
  server.setFaults({ silentFromStart: 1 });
  const watch = await watchJobs();
  await create('one');
  await server.quiet();
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
  server.setFaults(rates);
  const watch = await watchJobs({ resourceVersion: String(Number(created.metadata?.resourceVersion) - 1) });
  await watch.until((events) => events.length >= 2);
  expect(watch.events.slice(0, 2).map(({ type }) => type)).toEqual(types);
  watch.stop();
});

test('a lost reply leaves a Job that the next attempt finds', async () => {
  server.setFaults({ resetAfter: 1 });
  await expect(create('one')).rejects.toThrow('fetch failed');
  server.setFaults({ resetBefore: 1 });
  await expect(create('two')).rejects.toThrow('fetch failed');
  server.setFaults({ tooManyRequests: 1 });
  expect(await refusal(create('two'))).toEqual({ code: 429, reason: 'TooManyRequests' });
  server.setFaults({ errorAfter: 1 });
  expect(await refusal(create('two'))).toEqual({ code: 504, reason: 'Timeout' });
  server.setFaults({});
  expect(await refusal(create('one'))).toEqual({ code: 409, reason: 'AlreadyExists' });
  expect(await refusal(create('two'))).toEqual({ code: 409, reason: 'AlreadyExists' });
  expect(server.log.map(({ applied }) => applied)).toEqual([true, false, false, true, false, false]);
});

test('a list from the cache may be older, and says so', async () => {
  server.setFaults({ staleList: 1 });
  await create('one');
  const cached = await clients().batch.listNamespacedJob({ namespace, resourceVersion: '0' });
  expect(cached.items).toEqual([]);
  expect(cached.metadata?.resourceVersion).toBe('1');
  expect((await clients().batch.listNamespacedJob({ namespace })).items).toHaveLength(1);
});

test('the same seed decides the same faults for the same requests, another seed others', async () => {
  const rates = { tooManyRequests: 0.2, serverError: 0.2, resetAfter: 0.2, slow: 0.3, staleList: 0.5 };
  const run = async (seed: number) => {
    server.reset(seed, rates);
    for (let i = 0; i < 10; i++) {
      await create(`job-${i}`).catch(() => undefined);
      await clients()
        .batch.listNamespacedJob({ namespace, resourceVersion: '0' })
        .catch(() => undefined);
      server.controller.step();
    }
    return {
      decisions: [...server.decisions],
      codes: server.log.map(({ code }) => code),
      jobs: server.store.list('pods').map((pod) => pod.metadata.name),
    };
  };
  const first = await run(7);
  expect(first.decisions).toHaveLength(20);
  expect(await run(7)).toEqual(first);
  expect(await run(8)).not.toEqual(first);
});

test('a request for an earlier seed is cut off, and changes nothing', async () => {
  const { batch } = clients();
  server.reset(2);
  await expect(batch.createNamespacedJob({ namespace, body: jobOf('late') })).rejects.toThrow('fetch failed');
  expect(server.store.list('jobs')).toEqual([]);
});
