import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { KubeConfig } from '@kubernetes/client-node';
import { isLive } from '../../k8s/jobs/classify.ts';
import { connectCluster, unlessMissing, type Cluster as Connection } from '../../k8s/client.ts';
import { createKubernetesJobRunner } from '../../k8s/jobs/job-runner.ts';
import { jobNameLabel } from '../../k8s/names.ts';
import { describeJobRunner } from '../contract/job-runner.ts';
import { finished, jobOf, jobOn, phase, saying, untilSaid } from '../contract/jobs.ts';
import { until } from '../support/until.ts';
import { startCluster, startTimeoutMs, type Cluster } from './support/cluster.ts';
import { simulatedHarness, type SimulatedHarness } from './support/simulated-harness.ts';

const report = (message: string): void => void process.stderr.write(`${message}\n`);
let simulated: Cluster;
let connection: Connection;
let namespaces = 0;

beforeAll(async () => {
  simulated = await startCluster({ report });
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromFile(simulated.kubeconfigPath);
  connection = connectCluster(kubeConfig);
}, startTimeoutMs);
afterAll(() => simulated.stop());

const makeHarness = ({
  gpus = 1,
  annotations = {},
}: { gpus?: number; annotations?: Record<string, string> } = {}): Promise<SimulatedHarness> =>
  simulatedHarness({ namespace: `contract-${process.pid}-${(namespaces += 1)}`, admin: connection, gpus, annotations });

describeJobRunner('the Kubernetes runner', makeHarness, { logs: false });

test('a Job that no node has room for says so in the words of the scheduler', async () => {
  const harness = await makeHarness({ gpus: 100 });
  const request = jobOf({ does: 'succeed', value: 'never' });
  await harness.runner.create(request);
  const wait = await untilSaid(harness.runner, request.name, (state) => state.phase === 'queued' && state.wait);
  expect(wait).toMatchObject({ for: 'node', message: expect.stringMatching(/Insufficient nvidia\.com\/gpu/) });
  await harness.runner.cancel(request.name, 'Unschedulable', wait.message);
  expect(await harness.live(request.name)).toBe(0);
  expect(await finished(harness.runner, request.name)).toMatchObject({ failure: { class: 'Unschedulable' } });
  await harness.close();
});

test('an image that does not come is waited for, and the reason is there', async () => {
  const harness = await makeHarness({ annotations: { 'tuneline.dev/test-waiting': 'ImagePullBackOff' } });
  const request = jobOf({ does: 'succeed', value: 'never' });
  await harness.runner.create(request);
  const wait = await untilSaid(
    harness.runner,
    request.name,
    (state) => state.phase === 'queued' && state.wait?.for === 'image' && state.wait,
  );
  expect(wait.message).toMatch(/ImagePullBackOff/);
  await harness.runner.cancel(request.name, 'ImagePull', wait.message);
  expect(await finished(harness.runner, request.name)).toMatchObject({ failure: { class: 'ImagePull' } });
  await harness.close();
});

test('an evicted Job goes on in another pod, and that is no failure', async () => {
  const harness = await makeHarness();
  const request = jobOf({ does: 'sleep' });
  await harness.runner.create(request);
  await phase(harness.runner, request.name, 'running');
  const { namespace } = harness;
  const podOf = async () =>
    (
      await connection.core.listNamespacedPod({ namespace, labelSelector: `${jobNameLabel}=${request.name}` })
    ).items.find(isLive)?.metadata?.name;
  const first = await podOf();
  if (!first) throw new Error('the Job runs, so it has a pod');
  await connection.core.createNamespacedPodEviction({
    namespace,
    name: first,
    body: { metadata: { name: first, namespace } },
  });
  await until(async () => {
    const pod = await podOf();
    return pod !== undefined && pod !== first;
  });
  expect(await phase(harness.runner, request.name, 'running')).toMatchObject({ phase: 'running' });
  expect((await harness.job(request.name)).status?.failed ?? 0).toBe(0);
  await harness.runner.cancel(request.name, 'Deleted', 'test over');
  await harness.close();
});

test('a Job keeps its pods until it is reported, and then gets a time to live', async () => {
  const harness = await makeHarness();
  const request = jobOf({ does: 'succeed', value: 'kept' });
  await harness.runner.create(request);
  await finished(harness.runner, request.name);
  expect((await harness.job(request.name)).spec?.ttlSecondsAfterFinished).toBeUndefined();
  await harness.runner.acknowledge(request.name);
  expect((await harness.job(request.name)).spec?.ttlSecondsAfterFinished).toBeGreaterThan(0);
  await harness.close();
});

test('a Job that was cancelled before it started leaves nothing once that was reported', async () => {
  const harness = await makeHarness();
  const request = jobOf({ does: 'sleep' });
  await harness.runner.create(request);
  await harness.runner.cancel(request.name, 'Deleted', 'not wanted');
  await harness.runner.acknowledge(request.name);
  expect(await harness.live(request.name)).toBe(0);
  expect(await harness.runner.listOpen()).toEqual([]);
  await harness.close();
});

const serviceOf = ({ namespace }: SimulatedHarness, name: string) =>
  connection.core.readNamespacedService({ namespace, name }).catch(unlessMissing);

test('a Job on two nodes has a pod for each, whose names a Service gives for as long as the Job is there', async () => {
  const harness = await makeHarness();
  const { namespace } = harness;
  const request = jobOn(2, { does: 'succeed', value: 'together' });
  expect(await harness.runner.create(request)).toBe('created');
  const uid = (await harness.job(request.name)).metadata?.uid;
  expect((await serviceOf(harness, request.name))?.metadata?.ownerReferences).toMatchObject([{ kind: 'Job', uid }]);
  expect(await finished(harness.runner, request.name)).toEqual(saying('together'));
  const pods = await connection.core.listNamespacedPod({ namespace, labelSelector: `${jobNameLabel}=${request.name}` });
  expect(pods.items.map(({ spec }) => [spec?.hostname, spec?.subdomain]).sort()).toEqual(
    [0, 1].map((index) => [`${request.name}-${index}`, request.name]),
  );

  // A worker that ended between the two leaves the Service to the next.
  await connection.core.deleteNamespacedService({ namespace, name: request.name });
  expect(await harness.successor().create(request)).toBe('adopted');
  expect(await harness.successor().create(request)).toBe('adopted');
  expect(await serviceOf(harness, request.name)).toBeDefined();
  await connection.batch.deleteNamespacedJob({ namespace, name: request.name, propagationPolicy: 'Background' });
  await until(async () => (await serviceOf(harness, request.name)) === undefined);
  await harness.close();
});

test('a Job on two nodes that loses one ends as evicted, and nothing takes its place', async () => {
  const harness = await makeHarness();
  const { namespace } = harness;
  const request = jobOn(2, { does: 'sleep' });
  await harness.runner.create(request);
  await phase(harness.runner, request.name, 'running');
  const [, second] = (
    await connection.core.listNamespacedPod({ namespace, labelSelector: `${jobNameLabel}=${request.name}` })
  ).items;
  const name = second?.metadata?.name ?? '';
  await connection.core.createNamespacedPodEviction({ namespace, name, body: { metadata: { name, namespace } } });
  expect(await finished(harness.runner, request.name)).toMatchObject({
    failure: { class: 'Evicted', message: expect.stringContaining(name) },
  });
  expect(await harness.starts(request.name)).toBe(2);
  await harness.close();
});

test('a Job on two nodes of which one is taken waits for that one, and a cancel ends both', async () => {
  const harness = await makeHarness({ gpus: 8 });
  const before = jobOf({ does: 'sleep' });
  await harness.runner.create(before);
  await phase(harness.runner, before.name, 'running');
  const request = jobOn(2, { does: 'sleep' });
  await harness.runner.create(request);
  await untilSaid(
    harness.runner,
    request.name,
    (state) =>
      state.phase === 'queued' &&
      state.wait?.for === 'node' &&
      /Insufficient nvidia\.com\/gpu/.test(state.wait.message),
  );
  await harness.runner.cancel(before.name, 'Deleted', 'make room');
  await phase(harness.runner, request.name, 'running');
  await harness.runner.cancel(request.name, 'Deleted', 'not wanted');
  expect(await harness.live(request.name)).toBe(0);
  expect(await finished(harness.runner, request.name)).toMatchObject({ failure: { class: 'Deleted' } });
  await harness.close();
});

test('where the namespace does not exist the error says that the cluster refused, and nothing is made', async () => {
  const runner = createKubernetesJobRunner({
    cluster: connection,
    placement: { namespace: 'nowhere', image: 'jobs', gpus: 0, env: {}, graceSeconds: 1, userId: 10_001 },
    log: () => undefined,
  });
  await expect(runner.create(jobOf({ does: 'sleep' }))).rejects.toMatchObject({ code: 404 });
  expect(await runner.read('tl-none')).toEqual({ phase: 'absent' });
});
