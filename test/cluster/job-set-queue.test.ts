import { beforeAll, expect, test } from '@jest/globals';
import { SchedulingV1Api } from '@kubernetes/client-node';
import type { JobRunner } from '../../domain/job/job.ts';
import { isLive } from '../../k8s/jobs/classify.ts';
import { jobNameInSet } from '../../k8s/manifests/job-set.ts';
import { finished, jobOn, phase, saying, untilSaid } from '../contract/jobs.ts';
import { until } from '../support/until.ts';
import { givenKubeconfig } from './support/cluster.ts';
import { openJobSetLab, running } from './support/job-set-lab.ts';
import { createKueueObject, createPreemptingQueue } from './support/kueue-objects.ts';
import { letEnd } from './support/never-ending.ts';

/** A cluster that people use need not have JobSet and Kueue. */
const own = givenKubeconfig ? test.skip : test;

/** Names in the whole cluster, which other suites share. */
const [urgent, flavor] = ['urgent-job-set', 'job-set-gpus'] as const;

const lab = openJobSetLab('job-set-queue');
const { makeHarness, setOf } = lab;
beforeAll(async () => {
  if (givenKubeconfig) return;
  await lab.admin.kubeConfig
    .makeApiClient(SchedulingV1Api)
    .createPriorityClass({ body: { metadata: { name: urgent }, value: 1000 } });
  await createKueueObject(lab.admin, 'ResourceFlavor', 'resourceflavors', { metadata: { name: flavor } });
});

/** A namespace in which Jobs share a queue with two GPUs, so that one on two nodes fills it. */
async function makeQueue() {
  const harness = await makeHarness({ queue: 'jobs' });
  const { namespace } = harness;
  await createPreemptingQueue(lab.admin, { namespace, flavor, gpus: 2 });
  return {
    ...harness,
    end: async (name: string): Promise<void> => {
      for (const pod of (await harness.podsOf(name)).filter(isLive))
        await letEnd(lab.admin, namespace, pod.metadata?.name ?? '');
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
  const { items } = await lab.admin.core.listNamespacedEvent({
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
