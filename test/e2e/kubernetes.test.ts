import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Client } from '@temporalio/client';
import { KubeConfig, type V1Job, type V1Pod } from '@kubernetes/client-node';
import { jobName } from '../../domain/names.ts';
import { isLive } from '../../k8s/jobs/classify.ts';
import { connectCluster, type Cluster as Connection } from '../../k8s/client.ts';
import { jobNameLabel } from '../../k8s/names.ts';
import type { Run } from '../../mlflow/index.ts';
import type { lifecycle } from '../../workflows/lifecycle.ts';
import { statusQuery } from '../../workflows/messages.ts';
import { givenKubeconfig, startCluster, startTimeoutMs, type Cluster } from '../cluster/support/cluster.ts';
import { makeJobsImage } from '../cluster/support/images.ts';
import { noRealNode } from '../cluster/support/real-node/real-node.ts';
import { linkJobsPackages, linkTree, makeNamespaceWithClaim } from '../cluster/support/storage.ts';
import { makeTinyModel, repository, TestStack } from '../support/stack.ts';
import { tinySpec, tuneRunsOf } from '../support/tiny-lifecycle.ts';
import { until } from '../support/until.ts';

const report = (message: string): void => void process.stderr.write(`${message}\n`);
const why = givenKubeconfig ? 'a cluster was given' : noRealNode;
if (why) report(`the lifecycle on a real node is left out: ${why}`);

const namespace = 'tuneline';
const claim = 'tuneline';

/** As `npm start -- --kubernetes` runs it: Jobs are pods that train. The model is tiny: the real one would prove no more. */
(why ? describe.skip : describe)('on a cluster', () => {
  let home: string;
  let cluster: Cluster;
  let connection: Connection;
  let stack: TestStack;
  let client: Client;
  let tinyModel: string;

  beforeAll(async () => {
    home = await makeHome();
    tinyModel = await makeTinyModel(join(home, 'models'));
    // Jobs are another user.
    await chmod(tinyModel, 0o755);
    await chmod(join(tinyModel, 'model.safetensors'), 0o644);
    cluster = await startCluster({ report, gpuNodes: 0, realNode: { gpus: 1, images: [makeImage] } });
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromFile(cluster.kubeconfigPath);
    connection = connectCluster(kubeConfig);
    await makeNamespaceWithClaim(connection.core, { namespace, claim, folder: home });
    stack = await TestStack.start({
      args: ['--kubernetes'],
      env: {
        KUBECONFIG: cluster.kubeconfigPath,
        TUNELINE_HOME: home,
        TUNELINE_STATE: join(home, 'state'),
        TUNELINE_HOST: cluster.realNode?.hostAddress ?? '',
        TUNELINE_JOB_IMAGE: cluster.realNode?.images[0] ?? '',
        TUNELINE_STORAGE_CLAIM: claim,
      },
    });
    client = await stack.client();
  }, startTimeoutMs);
  afterAll(async () => {
    await client?.connection.close();
    await stack?.stop();
    await cluster?.stop();
    await rm(home, { recursive: true });
  });

  /** Tools and models as they are, in a folder that the claim can hold; and the Jobs' packages, which are too large for an image made here. */
  async function makeHome(): Promise<string> {
    const tuneline = join(repository, '.tuneline');
    const made = await mkdtemp(join(tuneline, 'home-'));
    await symlink(join(tuneline, 'tools'), join(made, 'tools'));
    await linkTree(join(tuneline, 'models'), join(made, 'models'));
    await linkJobsPackages(join(made, 'models'));
    await mkdir(join(made, 'state/artifacts'), { recursive: true });
    return made;
  }

  const makeImage = (into: string) =>
    makeJobsImage(into, {
      name: 'tuneline.test/jobs',
      sources: join(repository, 'jobs'),
      python: join(repository, '.tuneline/tools/jobs/bin/python'),
      packagesAt: join(home, 'models/site-packages'),
    });

  async function start(id: string, seed: number, steps = 300) {
    const handle = await client.workflow.start<typeof lifecycle>('lifecycle', {
      taskQueue: 'tuneline',
      workflowId: id,
      args: [tinySpec(tinyModel, seed, steps)],
    });
    const { firstExecutionRunId } = handle;
    return { handle, tune: jobName({ workflowId: id, firstExecutionRunId, stage: 'tune', attempt: 1 }) };
  }

  const jobs = async (): Promise<V1Job[]> => (await connection.batch.listNamespacedJob({ namespace })).items;
  const podsOf = async (job: string): Promise<V1Pod[]> =>
    (await connection.core.listNamespacedPod({ namespace, labelSelector: `${jobNameLabel}=${job}` })).items;

  /** The pod that trains, once it is past a checkpoint. */
  const training = (job: string): Promise<string> =>
    until(async () => {
      const name = (await podsOf(job)).find((pod) => pod.status?.phase === 'Running')?.metadata?.name;
      const log = name && (await connection.core.readNamespacedPodLog({ namespace, name }).catch(() => ''));
      return log?.includes('step 50/') ? name : undefined;
    });

  const tuneRuns = (id: string): Promise<Run[]> => tuneRunsOf(stack.mlflow(), id);
  const logOf = async (runId: string): Promise<string> =>
    new TextDecoder().decode(await stack.mlflow().artifacts.get(runId, 'job/log.txt'));

  test('a lifecycle is promoted, each stage as a pod, and MLflow keeps the log', async () => {
    const spec = join(home, 'pods.json');
    await writeFile(spec, JSON.stringify(tinySpec(tinyModel, 5, 100)));
    const { code, summary } = await stack.run(spec, 'pods');
    expect([code, summary.reason, summary.verdict]).toEqual([0, undefined, 'promoted']);
    const made = await jobs();
    expect(made.map((job) => job.status?.succeeded)).toEqual([1, 1, 1, 1]);
    const gpus = new Map(
      made.map((job) => [
        job.metadata?.labels?.['app.kubernetes.io/component'],
        job.spec?.template.spec?.containers[0]?.resources?.limits?.['nvidia.com/gpu'],
      ]),
    );
    expect(Object.fromEntries(gpus)).toEqual({ explore: undefined, prepare: undefined, tune: '1', evaluate: '1' });
    const [run] = await tuneRuns('pods');
    expect(await logOf(run?.runId ?? '')).toMatch(/step 100\/100 loss/);
  });

  test('an evicted training goes on in another pod from its checkpoint, and that is no other attempt', async () => {
    const { handle, tune } = await start('evicted', 1);
    const pod = await training(tune);
    await connection.core.createNamespacedPodEviction({
      namespace,
      name: pod,
      body: { metadata: { name: pod, namespace } },
    });
    expect(await handle.result()).toMatchObject({ verdict: 'promoted' });
    const { finished } = await handle.query(statusQuery);
    expect(finished.find(({ stage }) => stage === 'tune')?.figures['resumedFromStep']).toBeGreaterThanOrEqual(40);
    const [run, ...more] = await tuneRuns('evicted');
    expect([run?.status, more]).toEqual(['FINISHED', []]);
    const log = await logOf(run?.runId ?? '');
    expect(log).toMatch(/Stopped on SIGTERM after a checkpoint\.[\s\S]*--- pod [\s\S]*Resuming after step/);
  });

  test('while the GPU is taken, the next one says what it waits for; a cancel frees the GPU', async () => {
    // It trains until it is cancelled, however long the second takes to come so far.
    const first = await start('first', 2, 100_000);
    await training(first.tune);
    const second = await start('second', 3);
    const { waiting } = await until(async () => {
      const status = await second.handle.query(statusQuery);
      return status.waiting && status;
    });
    expect(waiting).toMatchObject({ for: 'node', message: expect.stringContaining('Insufficient nvidia.com/gpu') });
    const shown = await stack.tuneline('status', 'second');
    expect(shown.stdout).toContain('Insufficient nvidia.com/gpu');

    await first.handle.cancel();
    await expect(first.handle.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
    expect((await podsOf(first.tune)).filter(isLive)).toEqual([]);
    const [run] = await until(async () => {
      const runs = await tuneRuns('first');
      return runs.every(({ status }) => status !== 'RUNNING') && runs;
    });
    expect(run?.status).toBe('KILLED');
    expect(await logOf(run?.runId ?? '')).toMatch(/step \d+\/100000 loss/);

    expect(await second.handle.result()).toMatchObject({ verdict: 'promoted' });
    expect(
      (await second.handle.query(statusQuery)).finished.find(({ stage }) => stage === 'tune')?.waitedFor,
    ).toContain('Insufficient nvidia.com/gpu');
  });

  test('kill -9 of the worker: its successor leads, and the same pod is adopted', async () => {
    const { handle, tune } = await start('worker-killed', 4);
    const pod = await training(tune);
    process.kill(stack.services.processes['worker']?.pid ?? NaN, 'SIGKILL');
    expect(await handle.result()).toMatchObject({ verdict: 'promoted' });
    expect((await podsOf(tune)).map(({ metadata }) => metadata?.name)).toEqual([pod]);
  });
});
