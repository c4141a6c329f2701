import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { KubeConfig, SchedulingV1Api, type V1Pod } from '@kubernetes/client-node';
import { isLive } from '../../k8s/jobs/classify.ts';
import { connectCluster, type Cluster as Connection } from '../../k8s/client.ts';
import { createKubernetesJobRunner } from '../../k8s/jobs/job-runner.ts';
import { jobNameLabel } from '../../k8s/names.ts';
import type { JobRunner } from '../../domain/job/job.ts';
import { finished, jobOf, phase, untilSaid } from '../contract/jobs.ts';
import { until } from '../support/until.ts';
import { givenKubeconfig, startCluster, startTimeoutMs, type Cluster } from './support/cluster.ts';
import { neverEnding } from './support/never-ending.ts';

const report = (message: string): void => void process.stderr.write(`${message}\n`);
const namespace = 'disruption';
let simulated: Cluster;
let connection: Connection;

beforeAll(async () => {
  simulated = await startCluster({ report, gpuNodes: 2, gpusPerNode: 1 });
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromFile(simulated.kubeconfigPath);
  connection = connectCluster(kubeConfig);
  await connection.core.createNamespace({
    body: { metadata: { name: namespace, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } } },
  });
}, startTimeoutMs);
afterAll(() => simulated.stop());

/** Its pods run until someone ends them. */
function makeRunner(priorityClass?: string): JobRunner {
  return createKubernetesJobRunner({
    cluster: neverEnding(connection),
    placement: { namespace, image: 'none', gpus: 1, env: {}, graceSeconds: 1, userId: 10_001, priorityClass },
    log: () => undefined,
  });
}

async function makeRunning(runner: JobRunner) {
  const request = jobOf({ does: 'sleep' });
  await runner.create(request);
  await phase(runner, request.name, 'running');
  return request.name;
}

const runningPod = async (job: string): Promise<V1Pod | undefined> =>
  (await connection.core.listNamespacedPod({ namespace, labelSelector: `${jobNameLabel}=${job}` })).items.find(
    (pod) => isLive(pod) && pod.status?.phase === 'Running' && !pod.metadata?.deletionTimestamp,
  );

const failures = async (job: string): Promise<number> =>
  (await connection.batch.readNamespacedJob({ namespace, name: job })).status?.failed ?? 0;

// Nobody's own cluster loses a node or gets a priority class for a test.
const own = givenKubeconfig ? test.skip : test;

own('a Job whose node is gone goes on on another, and that is no failure', async () => {
  const runner = makeRunner();
  const job = await makeRunning(runner);
  const lost = (await runningPod(job))?.spec?.nodeName ?? '';
  await connection.core.deleteNode({ name: lost });
  const pod = await until(async () => {
    const running = await runningPod(job);
    return running?.spec?.nodeName !== lost && running;
  });
  expect(pod.spec?.nodeName).toMatch(/^gpu-/);
  expect(await phase(runner, job, 'running')).toMatchObject({ phase: 'running' });
  expect(await failures(job)).toBe(0);
  await runner.cancel(job, 'Deleted', 'test over');
});

own('a Job that gave its GPU to a more urgent one waits for it, gets it back, and has not failed', async () => {
  for (const [name, value] of Object.entries({ patient: 1, urgent: 2 }))
    await connection.kubeConfig
      .makeApiClient(SchedulingV1Api)
      .createPriorityClass({ body: { metadata: { name }, value } });
  const [patient, urgent] = [makeRunner('patient'), makeRunner('urgent')];
  const job = await makeRunning(patient);
  const more = await makeRunning(urgent);
  const { wait } = await untilSaid(
    patient,
    job,
    (state) => state.phase === 'queued' && state.wait?.for === 'node' && state,
  );
  expect(wait?.message).toMatch(/Insufficient nvidia\.com\/gpu/);
  await urgent.cancel(more, 'Deleted', 'done');
  expect(await phase(patient, job, 'running')).toMatchObject({ phase: 'running' });
  expect(await failures(job)).toBe(0);
  await patient.cancel(job, 'Deleted', 'test over');
  expect(await finished(patient, job)).toMatchObject({ failure: { class: 'Deleted' } });
});
