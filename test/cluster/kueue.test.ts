import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { KubeConfig, PatchStrategy, SchedulingV1Api, setHeaderOptions } from '@kubernetes/client-node';
import type { JobRunner, Wait } from '../../domain/job/job.ts';
import { connectCluster, type Cluster as Connection } from '../../k8s/client.ts';
import { isLive } from '../../k8s/jobs/classify.ts';
import { annotations } from '../../k8s/names.ts';
import { finished, jobOf, phase, untilSaid } from '../contract/jobs.ts';
import { until } from '../support/until.ts';
import { sharedCluster, startTimeoutMs, type Cluster } from './support/cluster.ts';
import { makeQueue } from './support/job-queue.ts';
import { createKueueObject } from './support/kueue-objects.ts';

const report = (message: string): void => void process.stderr.write(`${message}\n`);
const [urgent, flavor] = [`urgent-${process.pid}`, `gpus-${process.pid}`] as const;

let simulated: Cluster;
let connection: Connection;
let namespaces = 0;

beforeAll(async () => {
  simulated = await sharedCluster(report);
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromFile(simulated.kubeconfigPath);
  connection = connectCluster(kubeConfig);
  await kubeConfig
    .makeApiClient(SchedulingV1Api)
    .createPriorityClass({ body: { metadata: { name: urgent }, value: 1000 } });
  await createKueueObject(connection, 'ResourceFlavor', 'resourceflavors', { metadata: { name: flavor } });
}, startTimeoutMs);
afterAll(() => simulated.stop());

/** A namespace whose Jobs share a queue with one GPU. */
const newQueue = () => makeQueue(connection, { namespace: `queue-${process.pid}-${(namespaces += 1)}`, flavor });

const untilWait = (runner: JobRunner, name: string, words: RegExp): Promise<Wait> =>
  untilSaid(
    runner,
    name,
    (state) => state.phase === 'queued' && state.wait && words.test(state.wait.message) && state.wait,
  );

async function create(runner: JobRunner): Promise<string> {
  const request = jobOf({ does: 'sleep' });
  await runner.create(request);
  return request.name;
}

async function running(runner: JobRunner): Promise<string> {
  const name = await create(runner);
  await phase(runner, name, 'running');
  return name;
}

async function queued(runner: JobRunner): Promise<string> {
  const name = await create(runner);
  await untilWait(runner, name, /insufficient unused quota/);
  return name;
}

const deleted = { kind: 'failed', failure: { class: 'Deleted', message: 'not wanted' } };

test('quota makes a Job wait, in the words of Kueue, frees, and admits it', async () => {
  const queue = await newQueue();
  const runner = queue.runner();
  const first = await running(runner);
  const second = await create(runner);
  const wait = await untilWait(
    runner,
    second,
    /insufficient unused quota for nvidia\.com\/gpu in flavor .*, 1 more needed/,
  );
  expect(wait.for).toBe('quota');
  expect(wait.sinceMs).toBeGreaterThanOrEqual(
    (await queue.job(second)).metadata?.creationTimestamp?.getTime() ?? Infinity,
  );
  expect(await queue.podsOf(second)).toEqual([]);
  await queue.end(first);
  expect(await finished(runner, first)).toMatchObject({ kind: 'succeeded' });
  await phase(runner, second, 'running');
  await queue.end(second);
  expect(await finished(runner, second)).toMatchObject({ kind: 'succeeded' });
});

test('a preempted Job waits again, which is no failure, and resumes with a new clock', async () => {
  const queue = await newQueue();
  const runner = queue.runner();
  const low = await running(runner);
  const [before] = await queue.podsOf(low);
  const high = await running(queue.runner({ priorityClass: urgent }));
  const wait = await untilWait(runner, low, /Preempted to accommodate a workload/);
  expect(wait.for).toBe('quota');
  expect(await queue.podsOf(low)).toEqual([]);
  await queue.end(high);
  const { sinceMs } = await phase(runner, low, 'running');
  const [after, ...others] = await queue.podsOf(low);
  expect(others).toEqual([]);
  expect(after?.metadata?.uid).not.toBe(before?.metadata?.uid);
  expect(sinceMs).toBe(after?.status?.containerStatuses?.[0]?.state?.running?.startedAt?.getTime());
  await queue.end(low);
  expect(await finished(runner, low)).toMatchObject({ kind: 'succeeded' });
  const { succeeded, failed = 0 } = (await queue.job(low)).status ?? {};
  expect([succeeded, failed]).toEqual([1, 0]);
});

test('a Job that is cancelled in its queue never runs, also once there is quota', async () => {
  const queue = await newQueue();
  const runner = queue.runner();
  const first = await running(runner);
  const second = await queued(runner);
  await runner.cancel(second, 'Deleted', 'not wanted');
  expect(await runner.read(second)).toEqual({ phase: 'finished', outcome: deleted });
  await queue.end(first);
  await finished(runner, first);
  // It came later, so that what the other still wanted of the queue would go before.
  const third = await running(runner);
  expect(await finished(runner, second)).toEqual(deleted);
  expect(await queue.starts(second)).toBe(0);
  await runner.acknowledge(second);
  await until(async () => !(await queue.workloadsOf()).includes(second));
  await runner.cancel(third, 'Deleted', 'test over');
});

test('a preempted Job that is cancelled does not resume', async () => {
  const queue = await newQueue();
  const runner = queue.runner();
  const low = await running(runner);
  const high = await running(queue.runner({ priorityClass: urgent }));
  await untilWait(runner, low, /Preempted/);
  await runner.cancel(low, 'Deleted', 'not wanted');
  expect(await finished(runner, low)).toEqual(deleted);
  await queue.end(high);
  const next = await running(runner);
  expect(await queue.starts(low)).toBe(1);
  await runner.cancel(next, 'Deleted', 'test over');
});

test('a Job that Kueue took back while it was being cancelled does not resume', async () => {
  const queue = await newQueue();
  const runner = queue.runner();
  const first = await running(runner);
  const second = await queued(runner);
  // What a cancel leaves that came just before the eviction.
  const annotation = JSON.stringify({ cause: 'Deleted', reason: 'not wanted' });
  const body = {
    metadata: { annotations: { [annotations.cancelled]: annotation } },
    spec: { activeDeadlineSeconds: 1 },
  };
  await connection.batch.patchNamespacedJob(
    { namespace: queue.namespace, name: second, body },
    setHeaderOptions('Content-Type', PatchStrategy.MergePatch),
  );
  await runner.cancel(second, 'Deadline', 'another word');
  expect(await finished(runner, second)).toEqual(deleted);
  await queue.end(first);
  const third = await running(runner);
  expect(await queue.starts(second)).toBe(0);
  await runner.cancel(third, 'Deleted', 'test over');
});

test('a running Job that is cancelled leaves no pod, and its quota to the next', async () => {
  const queue = await newQueue();
  const runner = queue.runner();
  const first = await running(runner);
  const second = await queued(runner);
  await runner.cancel(first, 'Deadline', 'It ran too long.');
  expect((await queue.podsOf(first)).filter(isLive)).toEqual([]);
  expect(await finished(runner, first)).toEqual({
    kind: 'failed',
    failure: { class: 'Deadline', message: 'It ran too long.' },
  });
  await phase(runner, second, 'running');
  expect(await queue.starts(first)).toBe(1);
  await runner.cancel(second, 'Deleted', 'test over');
});

test('a queue that does not exist is named', async () => {
  const runner = (await newQueue()).runner({ queue: 'nowhere' });
  const name = await create(runner);
  expect(await untilWait(runner, name, /nowhere/)).toMatchObject({
    for: 'quota',
    message: "LocalQueue nowhere doesn't exist",
  });
  await runner.cancel(name, 'Deleted', 'not wanted');
  expect(await finished(runner, name)).toEqual(deleted);
});

test('a Job that was admitted and gets no pod waits to start', async () => {
  const queue = await newQueue();
  const runner = queue.runner();
  await connection.core.createNamespacedResourceQuota({
    namespace: queue.namespace,
    body: { metadata: { name: 'no-pods' }, spec: { hard: { pods: '0' } } },
  });
  const name = await create(runner);
  const wait = await untilWait(runner, name, /no pod of it is made/);
  const { lastTransitionTime } =
    (await queue.job(name)).status?.conditions?.find(({ type }) => type === 'Suspended') ?? {};
  expect(wait).toMatchObject({ for: 'start', sinceMs: lastTransitionTime?.getTime() });
  await runner.cancel(name, 'BadConfig', wait.message);
  expect(await finished(runner, name)).toMatchObject({ failure: { class: 'BadConfig' } });
});
