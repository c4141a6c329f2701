import { expect, test } from '@jest/globals';
import { RbacAuthorizationV1Api } from '@kubernetes/client-node';
import { unlessMissing, type Cluster as Connection } from '../../k8s/client.ts';
import { inspectCluster } from '../../k8s/doctor.ts';
import { jobManifest } from '../../k8s/manifests/job.ts';
import { jobNameInSet, jobSetApi, jobSetManifest, setNameOf } from '../../k8s/manifests/job-set.ts';
import { describeJobRunner } from '../contract/job-runner.ts';
import { finished, jobOf, jobOn, phase, saying } from '../contract/jobs.ts';
import { until } from '../support/until.ts';
import { givenKubeconfig } from './support/cluster.ts';
import { openJobSetLab, running } from './support/job-set-lab.ts';
import { neverAnnotation } from './support/never-ending.ts';

/** A cluster that people use need not have JobSet and Kueue. */
const own = givenKubeconfig ? test.skip : test;

const lab = openJobSetLab('job-set');
const { account, makeHarness, setOf } = lab;

if (!givenKubeconfig)
  describeJobRunner('the Kubernetes runner, where the cluster has JobSet,', makeHarness, { logs: false, nodes: 2 });

own('a Job on two nodes is made by a JobSet, whose pods have the names that torchrun is told', async () => {
  const harness = await makeHarness();
  const request = jobOn(2, { does: 'succeed', value: 'together' });
  const tune = {
    ...request,
    name: `tl-a-name-that-is-as-long-as-any-1234567890-tune-${process.pid}`.padEnd(59, '0'),
    spec: { ...request.spec, stage: 'tune' },
  };
  expect(await harness.runner.create(tune)).toBe('created');
  expect(await finished(harness.runner, tune.name)).toEqual(saying('together'));
  const pods = await harness.podsOf(tune.name);
  const hosts = pods.map(({ spec }) => `${spec?.hostname ?? ''}.${spec?.subdomain ?? ''}`).sort();
  const told = pods.map(({ spec }) => spec?.containers[0]?.env?.find(({ name }) => name === 'PET_MASTER_ADDR')?.value);
  expect([hosts.length, told]).toEqual([2, [hosts[0], hosts[0]]]);
  expect(
    await lab.admin.core.readNamespacedService({ namespace: harness.namespace, name: pods[0]?.spec?.subdomain ?? '' }),
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
  expect(await findings(lab.worker)).toEqual([
    { what: 'permissions', ok: true, detail: `all 16 that Jobs need in ${harness.namespace}` },
    made,
  ]);
  const { rules = [], ...role } = await lab.admin.kubeConfig
    .makeApiClient(RbacAuthorizationV1Api)
    .readClusterRole({ name: account });
  const grant = (granted: typeof rules) =>
    lab.admin.kubeConfig
      .makeApiClient(RbacAuthorizationV1Api)
      .replaceClusterRole({ name: account, body: { ...role, metadata: { name: account }, rules: granted } });
  await grant(rules.map((rule) => (rule.resources?.includes('jobsets') ? { ...rule, verbs: ['get'] } : rule)));
  const missing = await until(async () => (await findings(lab.worker)).find(({ ok }) => !ok));
  expect(missing.detail).toMatch(/: jobsets create, jobsets patch, jobsets delete$/);
  await grant(rules);
  await until(async () => (await findings(lab.worker)).every(({ ok }) => ok));
  await harness.close();
});

own('a Job on one node is a Job', async () => {
  const harness = await makeHarness();
  const request = jobOf({ does: 'succeed', value: 'alone' });
  await harness.runner.create(request);
  expect(await finished(harness.runner, request.name)).toMatchObject({ kind: 'succeeded' });
  expect(await setOf(harness, request.name)).toBeUndefined();
  expect(
    (await lab.admin.batch.readNamespacedJob({ namespace: harness.namespace, name: request.name })).metadata
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
    await lab.admin.core.patchNamespacedPod({ namespace: harness.namespace, name: second?.metadata?.name ?? '', body });
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
  await lab.admin.core.createNamespacedPodEviction({
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
  await lab.admin.batch.deleteNamespacedJob({
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
  await lab.admin.custom.deleteNamespacedCustomObject({
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
  await lab.admin.custom.createNamespacedCustomObject({
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
  await lab.admin.batch.createNamespacedJob({
    namespace,
    body: jobManifest(request, { namespace, image: 'jobs', gpus: 0, env: {}, graceSeconds: 1, userId: 10_001 }),
  });
  expect(await harness.runner.create(request)).toBe('adopted');
  expect(await setOf(harness, request.name)).toBeUndefined();
  await harness.runner.cancel(request.name, 'Deleted', 'test over');
  await harness.close();
});
