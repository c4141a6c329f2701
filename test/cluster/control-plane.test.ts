import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { BatchV1Api, CoreV1Api, KubeConfig, type V1Pod } from '@kubernetes/client-node';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { until } from '../support/until.ts';
import { type Cluster, givenKubeconfig, startCluster, startTimeoutMs } from './support/cluster.ts';

const namespace = 'default';
const report = (message: string): void => void process.stderr.write(`${message}\n`);

let cluster: Cluster;
let batch: BatchV1Api;
let core: CoreV1Api;
beforeAll(async () => {
  cluster = await startCluster({ report });
  const config = new KubeConfig();
  config.loadFromFile(cluster.kubeconfigPath);
  batch = config.makeApiClient(BatchV1Api);
  core = config.makeApiClient(CoreV1Api);
}, startTimeoutMs);
afterAll(() => cluster?.stop());

let made = 0;
async function createJob({
  gpus = 1,
  annotations = {},
}: {
  gpus?: number;
  annotations?: Record<string, string>;
}): Promise<string> {
  const name = `job-${process.pid}-${++made}`;
  const containers = [{ name: 'main', image: 'none', resources: { limits: { 'nvidia.com/gpu': String(gpus) } } }];
  await batch.createNamespacedJob({
    namespace,
    body: {
      metadata: { name },
      spec: { backoffLimit: 0, template: { metadata: { annotations }, spec: { restartPolicy: 'Never', containers } } },
    },
  });
  return name;
}

const podsOf = async (job: string): Promise<V1Pod[]> =>
  (await core.listNamespacedPod({ namespace, labelSelector: `batch.kubernetes.io/job-name=${job}` })).items;
const untilPod = (job: string, isAsWanted: (pod: V1Pod) => boolean | undefined): Promise<V1Pod> =>
  until(async () => (await podsOf(job)).find(isAsWanted));
const untilJob = (name: string, condition: string) =>
  until(async () =>
    (await batch.readNamespacedJob({ namespace, name })).status?.conditions?.some(
      ({ type, status }) => type === condition && status === 'True',
    ),
  );

test('a Job that asks for a GPU runs on a node that has one, and completes', async () => {
  const job = await createJob({ gpus: 1 });
  await untilJob(job, 'Complete');
  const [pod] = await podsOf(job);
  expect(pod?.status?.phase).toBe('Succeeded');
  const node = await core.readNode({ name: pod?.spec?.nodeName ?? '' });
  expect(node.metadata?.name).toMatch(/^gpu-\d+$/);
  expect(node.metadata?.labels?.['nvidia.com/gpu.product']).toBeDefined();
});

test('a Job that asks for more GPUs than any node has waits, and its pod says for what', async () => {
  const job = await createJob({ gpus: 100 });
  const pod = await untilPod(job, ({ status }) => status?.conditions?.some(({ type }) => type === 'PodScheduled'));
  expect(pod.status?.conditions).toContainEqual(
    expect.objectContaining({
      type: 'PodScheduled',
      status: 'False',
      reason: 'Unschedulable',
      message: expect.stringContaining('nvidia.com/gpu'),
    }),
  );
});

test.each([
  ['ends well', {}, 'Complete', { exitCode: 0, reason: 'Completed', message: '{"ok":true,"outputs":{},"figures":{}}' }],
  [
    'fails',
    { 'exit-code': '75', message: '{"ok":false}' },
    'Failed',
    { exitCode: 75, reason: 'Error', message: '{"ok":false}' },
  ],
  [
    'runs out of memory',
    { 'exit-code': '137', reason: 'OOMKilled', 'run-for': '10ms' },
    'Failed',
    { exitCode: 137, reason: 'OOMKilled' },
  ],
])('a pod that %s shows it as a kubelet would', async (_what, wishes, condition, terminated) => {
  const annotations = Object.fromEntries(
    Object.entries(wishes).map(([wish, value]) => [`tuneline.dev/test-${wish}`, value]),
  );
  const job = await createJob({ annotations });
  await untilJob(job, condition);
  const [pod] = await podsOf(job);
  expect(pod?.status?.containerStatuses?.[0]?.state?.terminated).toMatchObject(terminated);
});

test('a pod waits for its image until it need not any more', async () => {
  const job = await createJob({ annotations: { 'tuneline.dev/test-waiting': 'ImagePullBackOff' } });
  const pod = await untilPod(
    job,
    ({ status }) => status?.containerStatuses?.[0]?.state?.waiting?.reason === 'ImagePullBackOff',
  );
  expect(pod.status?.phase).toBe('Pending');
  await core.patchNamespacedPod({
    namespace,
    name: pod.metadata?.name ?? '',
    body: [{ op: 'remove', path: '/metadata/annotations/tuneline.dev~1test-waiting' }],
  });
  await untilJob(job, 'Complete');
});

test('a pod that never ends is ended, counted and gone once its Job is deleted', async () => {
  const job = await createJob({ annotations: { 'tuneline.dev/test-never': 'true' } });
  const pod = await untilPod(job, ({ status }) => status?.phase === 'Running');
  expect(pod.metadata?.finalizers).toEqual(['batch.kubernetes.io/job-tracking']);
  expect(await core.readNamespacedPodLog({ namespace, name: pod.metadata?.name ?? '' })).toBe('what a pod says\n');
  await batch.deleteNamespacedJob({ namespace, name: job, propagationPolicy: 'Foreground' });
  await until(
    async () =>
      (await batch.listNamespacedJob({ namespace, fieldSelector: `metadata.name=${job}` })).items.length === 0,
  );
  expect(await podsOf(job)).toEqual([]);
});

const own = givenKubeconfig ? test.skip : test;

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
const processesWith = (text: string): string[] =>
  execFileSync('ps', ['-eo', 'args='], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes(text));

own('a cluster whose process was killed is ended all the same', async () => {
  const script = `import { startCluster } from ${JSON.stringify(new URL('support/cluster.ts', import.meta.url).href)}; console.log((await startCluster({ report() {}, gpuNodes: 1 })).kubeconfigPath);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [kubeconfigPath] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const folder = dirname(kubeconfigPath);
  expect(processesWith(folder)).not.toEqual([]);
  child.kill('SIGKILL');
  await until(async () => processesWith(folder).length === 0 && !(await isThere(folder)));
});

own('a stopped cluster leaves neither a process nor a file', async () => {
  const folder = dirname(cluster.kubeconfigPath);
  for (const component of ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kwok'])
    expect(processesWith(folder).join('\n')).toContain(component);
  await cluster.stop();
  expect(processesWith(folder)).toEqual([]);
  expect(await isThere(folder)).toBe(false);
});
