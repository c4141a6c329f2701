import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  CustomObjectsApi,
  KubeConfig,
  loadAllYaml,
  RbacAuthorizationV1Api,
  SchedulingV1Api,
  type V1Role,
} from '@kubernetes/client-node';
import type { JobRunner } from '../../domain/job/job.ts';
import { isLive } from '../../k8s/jobs/classify.ts';
import { connectCluster, unlessMissing, type Cluster as Connection } from '../../k8s/client.ts';
import { inspectCluster } from '../../k8s/doctor.ts';
import { jobManifest } from '../../k8s/manifests/job.ts';
import { jobNameInSet, jobSetApi, jobSetManifest, setNameOf, type JobSet } from '../../k8s/manifests/job-set.ts';
import { describeJobRunner } from '../contract/job-runner.ts';
import { finished, jobOf, jobOn, phase, saying, untilSaid } from '../contract/jobs.ts';
import { repository } from '../support/stack.ts';
import { until } from '../support/until.ts';
import { givenKubeconfig, sharedCluster, startTimeoutMs, type Cluster } from './support/cluster.ts';
import { letEnd, neverAnnotation } from './support/never-ending.ts';
import { simulatedHarness, type SimulatedHarness } from './support/simulated-harness.ts';

/** A cluster that people use need not have JobSet and Kueue. */
const own = givenKubeconfig ? test.skip : test;

const kueue = { group: 'kueue.x-k8s.io', version: 'v1beta1' };
const account = 'worker-by-role';
/** Names in the whole cluster, which other suites share. */
const [urgent, flavor] = ['urgent-job-set', 'job-set-gpus'] as const;

let simulated: Cluster;
let config: KubeConfig;
let admin: Connection;
let worker: Connection;
let namespaces = 0;

beforeAll(async () => {
  if (givenKubeconfig) return;
  simulated = await sharedCluster((message) => void process.stderr.write(`${message}\n`));
  config = new KubeConfig();
  config.loadFromFile(simulated.kubeconfigPath);
  admin = connectCluster(config);
  worker = await workerByRole();
  await config
    .makeApiClient(SchedulingV1Api)
    .createPriorityClass({ body: { metadata: { name: urgent }, value: 1000 } });
  await makeCustom('ResourceFlavor', 'resourceflavors', { metadata: { name: flavor } });
}, startTimeoutMs);
afterAll(() => simulated?.stop());

const makeCustom = (kind: string, plural: string, body: object) =>
  config
    .makeApiClient(CustomObjectsApi)
    .createClusterCustomObject({ ...kueue, plural, body: { apiVersion: 'kueue.x-k8s.io/v1beta1', kind, ...body } });

/** An account that may do, wherever it likes, what the installed Role lets the worker do in its namespace. */
async function workerByRole(): Promise<Connection> {
  const rbac = config.makeApiClient(RbacAuthorizationV1Api);
  const objects = loadAllYaml(
    await readFile(join(repository, 'k8s', 'install', 'jobs', 'account.yaml'), 'utf8'),
  ) as V1Role[];
  await rbac.createClusterRole({
    body: { metadata: { name: account }, rules: objects.find(({ kind }) => kind === 'Role')?.rules ?? [] },
  });
  const subjects = [{ kind: 'ServiceAccount', name: account, namespace: 'default' }];
  await rbac.createClusterRoleBinding({
    body: {
      metadata: { name: account },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: account },
      subjects,
    },
  });
  await admin.core.createNamespacedServiceAccount({ namespace: 'default', body: { metadata: { name: account } } });
  const { status } = await admin.core.createNamespacedServiceAccountToken({
    namespace: 'default',
    name: account,
    body: { spec: { audiences: [] } },
  });
  const server = config.getCurrentCluster();
  if (!server) throw new Error('the cluster has an address');
  const given = new KubeConfig();
  given.loadFromClusterAndUser(server, { name: account, token: status?.token ?? '' });
  const connection = connectCluster(given);
  await until(() =>
    connection.batch.listJobForAllNamespaces().then(
      () => true,
      () => false,
    ),
  );
  return connection;
}

const makeHarness = (more: { queue?: string } = {}): Promise<SimulatedHarness> =>
  simulatedHarness({
    namespace: `job-set-${process.pid}-${(namespaces += 1)}`,
    admin,
    through: worker,
    nodes: 2,
    nameInCluster: jobNameInSet,
    ...more,
  });

const setOf = ({ namespace }: SimulatedHarness, name: string): Promise<JobSet | undefined> =>
  (
    admin.custom.getNamespacedCustomObject({
      ...jobSetApi,
      plural: 'jobsets',
      namespace,
      name: setNameOf(name),
    }) as Promise<JobSet>
  ).catch(unlessMissing);

async function running(runner: JobRunner, request = jobOn(2, { does: 'sleep' })): Promise<string> {
  await runner.create(request);
  await phase(runner, request.name, 'running');
  return request.name;
}

if (!givenKubeconfig)
  describeJobRunner('the Kubernetes runner, where the cluster has JobSet,', makeHarness, { logs: false, nodes: 2 });

own('a Job on two nodes is made by a JobSet, whose pods have the names that torchrun is told', async () => {
  const harness = await makeHarness();
  const request = jobOn(2, { does: 'succeed', value: 'together' });
  const tune = {
    ...request,
    name: `tl-a-name-that-is-as-long-as-any-1234567890-tune-${namespaces}`.padEnd(59, '0'),
    spec: { ...request.spec, stage: 'tune' },
  };
  expect(await harness.runner.create(tune)).toBe('created');
  expect(await finished(harness.runner, tune.name)).toEqual(saying('together'));
  const pods = await harness.podsOf(tune.name);
  const hosts = pods.map(({ spec }) => `${spec?.hostname ?? ''}.${spec?.subdomain ?? ''}`).sort();
  const told = pods.map(({ spec }) => spec?.containers[0]?.env?.find(({ name }) => name === 'PET_MASTER_ADDR')?.value);
  expect([hosts.length, told]).toEqual([2, [hosts[0], hosts[0]]]);
  expect(
    await admin.core.readNamespacedService({ namespace: harness.namespace, name: pods[0]?.spec?.subdomain ?? '' }),
  ).toMatchObject({ spec: { clusterIP: 'None', publishNotReadyAddresses: true } });
  expect(await harness.runner.events(tune.name)).toMatch(/SuccessfulCreate Job\/.*\n/);
  expect(await setOf(harness, tune.name)).toMatchObject({ status: { terminalState: 'Completed' } });
  await harness.close();
});

own('the doctor says that there is JobSet, and which right to it is missing', async () => {
  const harness = await makeHarness();
  const placement = { namespace: harness.namespace, image: 'jobs', gpus: 0, env: {}, graceSeconds: 1, userId: 10_001 };
  const findings = async (as: Connection) =>
    (await inspectCluster(as, placement)).filter(({ what }) => what === 'permissions' || what === 'several nodes');
  const made = { what: 'several nodes', ok: true, detail: 'a Job on several nodes is made by a JobSet' };
  expect(await findings(worker)).toEqual([
    { what: 'permissions', ok: true, detail: `all 16 that Jobs need in ${harness.namespace}` },
    made,
  ]);
  const { rules = [], ...role } = await config.makeApiClient(RbacAuthorizationV1Api).readClusterRole({ name: account });
  const grant = (granted: typeof rules) =>
    config
      .makeApiClient(RbacAuthorizationV1Api)
      .replaceClusterRole({ name: account, body: { ...role, metadata: { name: account }, rules: granted } });
  await grant(rules.map((rule) => (rule.resources?.includes('jobsets') ? { ...rule, verbs: ['get'] } : rule)));
  const missing = await until(async () => (await findings(worker)).find(({ ok }) => !ok));
  expect(missing.detail).toMatch(/: jobsets create, jobsets patch, jobsets delete$/);
  await grant(rules);
  await until(async () => (await findings(worker)).every(({ ok }) => ok));
  await harness.close();
});

own('a Job on one node is a Job', async () => {
  const harness = await makeHarness();
  const request = jobOf({ does: 'succeed', value: 'alone' });
  await harness.runner.create(request);
  expect(await finished(harness.runner, request.name)).toMatchObject({ kind: 'succeeded' });
  expect(await setOf(harness, request.name)).toBeUndefined();
  expect(
    (await admin.batch.readNamespacedJob({ namespace: harness.namespace, name: request.name })).metadata
      ?.ownerReferences,
  ).toBeUndefined();
  await harness.close();
});

own(
  'a failure on one node ends them all, once; the JobSet stays until that is reported, and then gets a time to live',
  async () => {
    const harness = await makeHarness();
    const request = jobOn(2, { does: 'sleep' });
    const name = await running(harness.runner, request);
    const [, second] = await harness.podsOf(name);
    const body = [
      { op: 'add', path: '/metadata/annotations/tuneline.dev~1test-exit-code', value: '65' },
      { op: 'remove', path: `/metadata/annotations/${neverAnnotation.replace('/', '~1')}` },
    ];
    await admin.core.patchNamespacedPod({ namespace: harness.namespace, name: second?.metadata?.name ?? '', body });
    expect(await finished(harness.runner, name)).toMatchObject({ failure: { class: 'BadData' } });
    await until(async () =>
      (await setOf(harness, name))?.status?.conditions?.some(
        ({ type, status }) => type === 'Failed' && status === 'True',
      ),
    );
    expect(await harness.starts(name)).toBe(1);
    expect((await setOf(harness, name))?.spec.ttlSecondsAfterFinished).toBeUndefined();

    expect((await harness.runner.listOpen()).map((open) => open.name)).toEqual([name]);
    await harness.runner.acknowledge(name);
    expect(await harness.runner.listOpen()).toEqual([]);
    expect(await harness.runner.read(name)).toMatchObject({ phase: 'finished', acknowledged: true });
    expect((await setOf(harness, name))?.spec.ttlSecondsAfterFinished).toBeGreaterThan(0);
    expect((await harness.job(name)).spec?.ttlSecondsAfterFinished).toBeUndefined();

    // Who asks anew has to be told, too.
    expect(await harness.successor().create({ ...request, owner: { ...request.owner, runId: 'after a reset' } })).toBe(
      'adopted',
    );
    expect((await setOf(harness, name))?.spec.ttlSecondsAfterFinished).toBeUndefined();
    await harness.close();
  },
);

own('a node that is taken away ends the Job as evicted, and nothing takes its place', async () => {
  const harness = await makeHarness();
  const job = await running(harness.runner);
  const [, second] = await harness.podsOf(job);
  const name = second?.metadata?.name ?? '';
  await admin.core.createNamespacedPodEviction({
    namespace: harness.namespace,
    name,
    body: { metadata: { name, namespace: harness.namespace } },
  });
  expect(await finished(harness.runner, job)).toMatchObject({
    failure: { class: 'Evicted', message: expect.stringContaining(name) },
  });
  expect(await harness.starts(job)).toBe(1);
  await harness.close();
});

own('what JobSet makes in the place of a Job that somebody deleted is ended, and the Job was deleted', async () => {
  const harness = await makeHarness();
  const name = await running(harness.runner);
  const before = (await harness.job(name)).metadata?.uid;
  await admin.batch.deleteNamespacedJob({
    namespace: harness.namespace,
    name: jobNameInSet(name),
    propagationPolicy: 'Background',
  });
  // Nobody watched: whoever looks next, sees it.
  await until(async () => (await harness.job(name).catch(unlessMissing))?.metadata?.uid !== before);
  expect(await finished(harness.successor(), name)).toMatchObject({
    failure: { class: 'Deleted', message: expect.stringContaining('deleted from outside') },
  });
  expect(await harness.live(name)).toBe(0);
  await harness.close();
});

own('a JobSet that somebody deleted is gone', async () => {
  const harness = await makeHarness();
  const name = await running(harness.runner);
  await admin.custom.deleteNamespacedCustomObject({
    ...jobSetApi,
    plural: 'jobsets',
    namespace: harness.namespace,
    name: setNameOf(name),
    propagationPolicy: 'Foreground',
  });
  await phase(harness.runner, name, 'absent');
  expect(await harness.live(name)).toBe(0);
  await harness.close();
});

own('a JobSet that has made no Job says so, and is gone after a cancel', async () => {
  const harness = await makeHarness();
  const { namespace, runner } = harness;
  const request = jobOn(2, { does: 'sleep' });
  const made = jobSetManifest(request, { namespace, image: 'jobs', gpus: 0, env: {}, graceSeconds: 1, userId: 10_001 });
  // Its controller leaves alone what is another's.
  await admin.custom.createNamespacedCustomObject({
    ...jobSetApi,
    plural: 'jobsets',
    namespace,
    body: { ...made, spec: { ...made.spec, managedBy: 'tuneline.dev/nobody' } },
  });
  expect(await runner.read(request.name)).toMatchObject({
    phase: 'queued',
    wait: { for: 'start', message: expect.stringMatching(/has no Job/) },
  });
  await runner.cancel(request.name, 'Unschedulable', 'It did not start.');
  expect(await runner.read(request.name)).toEqual({ phase: 'absent' });
  expect(await setOf(harness, request.name)).toBeUndefined();
  await harness.close();
});

own('a Job of before JobSet came is adopted, and no other is made', async () => {
  const harness = await makeHarness();
  const request = jobOn(2, { does: 'sleep' });
  const { namespace } = harness;
  await admin.batch.createNamespacedJob({
    namespace,
    body: jobManifest(request, { namespace, image: 'jobs', gpus: 0, env: {}, graceSeconds: 1, userId: 10_001 }),
  });
  expect(await harness.runner.create(request)).toBe('adopted');
  expect(await setOf(harness, request.name)).toBeUndefined();
  await harness.runner.cancel(request.name, 'Deleted', 'test over');
  await harness.close();
});

/** A namespace in which Jobs share a queue with two GPUs, so that one on two nodes fills it. */
async function makeQueue() {
  const harness = await makeHarness({ queue: 'jobs' });
  const { namespace } = harness;
  await makeCustom('ClusterQueue', 'clusterqueues', {
    metadata: { name: namespace },
    spec: {
      namespaceSelector: {},
      preemption: { withinClusterQueue: 'LowerPriority' },
      resourceGroups: [
        {
          coveredResources: ['nvidia.com/gpu'],
          flavors: [{ name: flavor, resources: [{ name: 'nvidia.com/gpu', nominalQuota: 2 }] }],
        },
      ],
    },
  });
  const body = {
    apiVersion: 'kueue.x-k8s.io/v1beta1',
    kind: 'LocalQueue',
    metadata: { name: 'jobs' },
    spec: { clusterQueue: namespace },
  };
  await admin.custom.createNamespacedCustomObject({ ...kueue, plural: 'localqueues', namespace, body });
  return {
    ...harness,
    end: async (name: string): Promise<void> => {
      for (const pod of (await harness.podsOf(name)).filter(isLive))
        await letEnd(admin, namespace, pod.metadata?.name ?? '');
    },
  };
}

const waiting = (runner: JobRunner, name: string, words: RegExp) =>
  untilSaid(
    runner,
    name,
    (state) => state.phase === 'queued' && state.wait && words.test(state.wait.message) && state.wait,
  );

own('Kueue holds a JobSet back until it has quota for all nodes, says why, and admits it', async () => {
  const queue = await makeQueue();
  const first = await running(queue.runner);
  const request = jobOn(2, { does: 'succeed', value: 'later' });
  await queue.runner.create(request);
  expect(
    await waiting(
      queue.runner,
      request.name,
      /insufficient unused quota for nvidia\.com\/gpu in flavor .*, 2 more needed/,
    ),
  ).toMatchObject({ for: 'quota' });
  expect(await queue.podsOf(request.name)).toEqual([]);
  await queue.end(first);
  expect(await finished(queue.runner, first)).toMatchObject({ kind: 'succeeded' });
  expect(await finished(queue.runner, request.name)).toEqual(saying('later'));
  await queue.close();
});

own('a JobSet that was cancelled in its queue never runs, and leaves nothing once that was reported', async () => {
  const queue = await makeQueue();
  const first = await running(queue.runner);
  const request = jobOn(2, { does: 'sleep' });
  const { name } = request;
  await queue.runner.create(request);
  await waiting(queue.runner, name, /insufficient unused quota/);
  await queue.runner.cancel(name, 'Deleted', 'not wanted');
  expect(await queue.runner.read(name)).toEqual({
    phase: 'finished',
    outcome: { kind: 'failed', failure: { class: 'Deleted', message: 'not wanted' } },
  });
  await queue.end(first);
  await finished(queue.runner, first);
  // Admitted now, it makes no pod all the same.
  await until(async () => (await setOf(queue, name))?.spec.suspend === false);
  await until(async () => (await queue.job(name)).spec?.suspend === false);
  await queue.runner.acknowledge(name);
  await until(async () => (await setOf(queue, name)) === undefined);
  const { items } = await admin.core.listNamespacedEvent({
    namespace: queue.namespace,
    fieldSelector: `involvedObject.name=${jobNameInSet(name)},reason=SuccessfulCreate`,
  });
  expect(items).toEqual([]);
  await queue.close();
});

own('a preempted JobSet waits again, which is no failure, and resumes', async () => {
  const queue = await makeQueue();
  const low = await running(queue.runner);
  const high = await running(queue.runnerWith({ priorityClass: urgent }));
  expect(await waiting(queue.runner, low, /Preempted to accommodate a workload/)).toMatchObject({ for: 'quota' });
  await queue.end(high);
  await phase(queue.runner, low, 'running');
  await queue.end(low);
  expect(await finished(queue.runner, low)).toMatchObject({ kind: 'succeeded' });
  expect((await queue.job(low)).status?.failed ?? 0).toBe(0);
  await queue.close();
});
