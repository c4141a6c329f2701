import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { KubeConfig } from '@kubernetes/client-node';
import type { JobRequest, JobRunner } from '../../domain/job/job.ts';
import { connectCluster, type Cluster as Connection } from '../../k8s/client.ts';
import type { JobPlacement } from '../../k8s/manifests/job.ts';
import { noopStage } from '../../scripts/bench/noop-stage.ts';
import { describeJobRunner } from '../contract/job-runner.ts';
import { finished, jobOf, phase, saying, untilSaid } from '../contract/jobs.ts';
import { until } from '../support/until.ts';
import { givenKubeconfig, startCluster, startTimeoutMs, type Cluster } from './support/cluster.ts';
import { makeImage } from './support/images.ts';
import { makeBehavioursImage, makeNoopImage } from './support/real-node/job-images.ts';
import { realHarness, type RealHarness } from './support/real-node/real-harness.ts';
import { noRealNode } from './support/real-node/real-node.ts';
import { settings, tracesOf } from './support/real-node/traces.ts';

const report = (message: string): void => void process.stderr.write(`${message}\n`);
const why = givenKubeconfig ? 'a cluster was given' : noRealNode;
if (why) report(`the tests of a real node are left out: ${why}`);

/** A Job of `behaviours.py` that the contract has no word for. */
const realJob = (spec: Record<string, unknown>): JobRequest => ({
  ...jobOf({ does: 'sleep' }),
  spec: { stage: 'real', ...spec },
});

(why ? describe.skip : describe)('a node with a kubelet', () => {
  let cluster: Cluster;
  let connection: Connection;
  let hostAddress: string;
  let image: string;
  let jobsImage: string;
  let namespaces = 0;
  const settingsBefore = settings();

  beforeAll(async () => {
    cluster = await startCluster({
      report,
      gpuNodes: 0,
      realNode: { gpus: 8, images: [makeBehavioursImage, makeNoopImage] },
    });
    connection = connect(cluster.kubeconfigPath);
    hostAddress = cluster.realNode?.hostAddress ?? '';
    [image = '', jobsImage = ''] = cluster.realNode?.images ?? [];
  }, startTimeoutMs);
  afterAll(() => cluster?.stop());

  const makeHarness = (placement: Partial<JobPlacement> = {}): Promise<RealHarness> =>
    realHarness(connection, { namespace: `real-${process.pid}-${(namespaces += 1)}`, image, ...placement });

  async function outcomeOf(request: JobRequest, placement?: Partial<JobPlacement>) {
    const harness = await makeHarness(placement);
    await harness.runner.create(request);
    const outcome = await finished(harness.runner, request.name);
    const pod = await harness.pod(request.name);
    await harness.close();
    return { outcome, ended: pod?.status?.containerStatuses?.[0]?.state?.terminated };
  }

  describeJobRunner('the Kubernetes runner, with real pods,', makeHarness);

  test('the program of the Jobs runs, by the digest of its image', async () => {
    expect(jobsImage).toMatch(/^tuneline\.test\/jobs@sha256:[0-9a-f]{64}$/);
    const { outcome } = await outcomeOf(
      { ...jobOf({ does: 'sleep' }), spec: { stage: 'noop' } },
      { image: jobsImage, stages: { noop: noopStage } },
    );
    expect(outcome).toMatchObject({ kind: 'succeeded' });
  });

  test('images of the same content have the same digest, and no others', async () => {
    const folder = dirname(cluster.kubeconfigPath);
    const layer = await mkdtemp(join(folder, 'layer-'));
    const file = join(layer, 'file');
    const make = async () =>
      (await makeImage(folder, { name: 'tuneline.test/alike', layers: [layer], entrypoint: ['none'] })).reference;
    await writeFile(file, 'content');
    const reference = await make();
    await utimes(file, 1, 1);
    expect(await make()).toBe(reference);
    await writeFile(file, 'another');
    expect(await make()).not.toBe(reference);
  });

  test('a Job that uses more memory than it may is ended by the kernel, and that is what it fails with', async () => {
    const { outcome, ended } = await outcomeOf(realJob({ does: 'use memory' }), { memory: '64Mi' });
    expect(outcome).toMatchObject({ kind: 'failed', failure: { class: 'HostOutOfMemory' } });
    expect(ended).toMatchObject({ reason: 'OOMKilled', exitCode: 137 });
  });

  test('a Job whose child was ended for its memory is no success, though it ends well itself', async () => {
    const { outcome, ended } = await outcomeOf(realJob({ does: 'lose a child' }), { memory: '64Mi' });
    expect(outcome).toMatchObject({ kind: 'failed', failure: { class: 'HostOutOfMemory' } });
    expect(ended).toMatchObject({ reason: 'OOMKilled' });
  });

  test('a Job is told to end before it is ended, and its log is kept to the end', async () => {
    const harness = await makeHarness({ graceSeconds: 30 });
    const request = jobOf({ does: 'sleep' });
    await harness.runner.create(request);
    await until(async () => (await harness.runner.logTail(request.name, 1000)) === 'begun\n');
    const wholeLog = harness.followLog(request.name);
    const over = new AbortController();
    const watching = watchUntil(harness.runner, over.signal);
    await harness.runner.cancel(request.name, 'Deleted', 'not wanted any more');
    over.abort();
    await watching;
    expect(await wholeLog).toBe('begun\ntold to end\n');
    expect(await harness.live(request.name)).toBe(0);
    expect(await finished(harness.runner, request.name)).toMatchObject({
      failure: { class: 'Deleted', message: 'not wanted any more' },
    });
    expect(await harness.runner.logTail(request.name, 1000)).toBe('begun\ntold to end\n');
    await harness.close();
  });

  test('a Job runs as nobody in particular, and can write where nothing stays', async () => {
    const { outcome } = await outcomeOf(
      realJob({ does: 'look around', folders: ['/', '/tmp', '/dev/shm', '/app', '/usr/local/bin'] }),
    );
    const found = { user: 10_001, group: 10_001, readOnly: true, writes: ['/tmp', '/dev/shm'] };
    expect(outcome.kind === 'succeeded' && JSON.parse(outcome.outputs['said']?.uri ?? '')).toEqual(found);
  });

  test('the namespace refuses a pod that may do more', async () => {
    const harness = await makeHarness();
    const body = { metadata: { name: 'root' }, spec: { containers: [{ name: 'root', image }] } };
    await expect(connection.core.createNamespacedPod({ namespace: harness.namespace, body })).rejects.toMatchObject({
      code: 403,
      body: expect.stringContaining('restricted'),
    });
    await harness.close();
  });

  test('an image that does not come is waited for, and the reason is there', async () => {
    const harness = await makeHarness({ image: 'tuneline.test/missing:1' });
    const request = jobOf({ does: 'succeed', value: 'never' });
    await harness.runner.create(request);
    const wait = await untilSaid(
      harness.runner,
      request.name,
      (state) => state.phase === 'queued' && state.wait?.for === 'image' && state.wait,
    );
    expect(wait.message).toMatch(/^(ErrImagePull|ImagePullBackOff): .*tuneline\.test\/missing:1/);
    await harness.runner.cancel(request.name, 'ImagePull', wait.message);
    expect(await finished(harness.runner, request.name)).toMatchObject({ failure: { class: 'ImagePull' } });
    expect(await harness.live(request.name)).toBe(0);
    await harness.close();
  });

  test("a pod reaches what listens on this host at the host's address", async () => {
    const server = createServer((_request, response) => response.end('hello pod'))
      .listen(0, hostAddress)
      .unref();
    await once(server, 'listening');
    const { outcome } = await outcomeOf(
      realJob({ does: 'fetch', url: `http://${hostAddress}:${(server.address() as AddressInfo).port}/` }),
    );
    expect(outcome).toEqual(saying('hello pod'));
    server.close();
  });

  test('a node whose process was killed leaves nothing, not even of a pod that runs', async () => {
    const script = `import { startCluster } from ${JSON.stringify(new URL('support/cluster.ts', import.meta.url).href)};
      import { makeSandboxImage } from ${JSON.stringify(new URL('support/images.ts', import.meta.url).href)};
      const { kubeconfigPath, realNode } = await startCluster({ report() {}, gpuNodes: 0, realNode: { images: [makeSandboxImage] } });
      console.log(JSON.stringify({ kubeconfigPath, image: realNode.images[0] }));`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      env: { ...process.env, NODE_OPTIONS: '' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    const started = JSON.parse(line) as { kubeconfigPath: string; image: string };
    const { core } = connect(started.kubeconfigPath);
    const pod = { name: 'sleeper', namespace: 'default' };
    await core.createNamespacedPod({
      namespace: pod.namespace,
      body: { metadata: pod, spec: { containers: [{ name: 'sleeper', image: started.image }] } },
    });
    await until(async () => (await core.readNamespacedPod(pod)).status?.phase === 'Running');
    const folder = dirname(started.kubeconfigPath);
    expect((await tracesOf(folder)).join('\n')).toMatch(/sleep/);
    child.kill('SIGKILL');
    await until(async () => (await tracesOf(folder)).length === 0);
    expect(settings()).toEqual(settingsBefore);
  });

  test('a stopped node leaves nothing, not even of a pod that runs', async () => {
    const harness = await makeHarness();
    const request = jobOf({ does: 'ignore SIGTERM' });
    await harness.runner.create(request);
    await phase(harness.runner, request.name, 'running');
    const folder = dirname(cluster.kubeconfigPath);
    const traces = (await tracesOf(folder)).join('\n');
    for (const trace of ['kubelet', 'containerd-shim', 'behaviours.py', 'cgroup', 'interface', 'folder'])
      expect(traces).toContain(trace);
    await cluster.stop();
    expect(await tracesOf(folder)).toEqual([]);
    expect(settings()).toEqual(settingsBefore);
  });
});

/** As the tracker does it: a runner keeps the log of a pod that goes only while someone watches. */
async function watchUntil(runner: JobRunner, signal: AbortSignal): Promise<void> {
  for await (const _hint of runner.watch(signal)) continue;
}

function connect(kubeconfigPath: string): Connection {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfigPath);
  return connectCluster(config);
}
