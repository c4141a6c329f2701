import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AppsV1Api,
  CustomObjectsApi,
  KubeConfig,
  RbacAuthorizationV1Api,
  SchedulingV1Api,
  StorageV1Api,
  type V1PersistentVolumeClaimSpec,
  type V1PolicyRule,
} from '@kubernetes/client-node';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connectCluster, type Cluster as Connection } from '../../k8s/client.ts';
import { inspectCluster, inspectConsole, type Finding } from '../../k8s/doctor.ts';
import type { JobPlacement } from '../../k8s/manifests/job.ts';
import { freePort } from '../../local/ports.ts';
import { repository } from '../support/stack.ts';
import { until } from '../support/until.ts';
import { givenKubeconfig, startCluster, startTimeoutMs, type Cluster } from './support/cluster.ts';

const report = (message: string): void => void process.stderr.write(`${message}\n`);
const namespace = `doctor-${process.pid}`;
const kueue = { group: 'kueue.x-k8s.io', version: 'v1beta1' };

/** A cluster that people use need not be as these tests prepare theirs. */
const own = givenKubeconfig ? test.skip : test;

let cluster: Cluster;
let config: KubeConfig;
let connection: Connection;
beforeAll(async () => {
  if (givenKubeconfig) return;
  cluster = await startCluster({ report, gpuNodes: 2, gpusPerNode: 8, withKueue: true });
  config = load(cluster);
  connection = connectCluster(config);
  await connection.core.createNamespace({ body: { metadata: { name: namespace } } });
  await config.makeApiClient(SchedulingV1Api).createPriorityClass({ body: { metadata: { name: 'low' }, value: -10 } });
  await config.makeApiClient(StorageV1Api).createStorageClass({
    body: {
      metadata: { name: 'later' },
      provisioner: 'kubernetes.io/no-provisioner',
      volumeBindingMode: 'WaitForFirstConsumer',
    },
  });
  const storage = {
    capacity: { storage: '1Gi' },
    accessModes: ['ReadWriteMany'],
    storageClassName: 'here',
    hostPath: { path: '/storage' },
  };
  await connection.core.createPersistentVolume({ body: { metadata: { name: 'storage' }, spec: storage } });
  await claim('storage', { storageClassName: 'here' });
  await makeQueue('jobs', namespace);
  await makeQueue('orphan', 'nothing');
  await makeCustom('ResourceFlavor', 'resourceflavors', { metadata: { name: 'gpus' } });
  const quota = [
    {
      coveredResources: ['nvidia.com/gpu'],
      flavors: [{ name: 'gpus', resources: [{ name: 'nvidia.com/gpu', nominalQuota: 8 }] }],
    },
  ];
  await makeCustom('ClusterQueue', 'clusterqueues', {
    metadata: { name: namespace },
    spec: { namespaceSelector: {}, resourceGroups: quota },
  });
}, startTimeoutMs);
afterAll(() => cluster?.stop());

function load({ kubeconfigPath }: Cluster): KubeConfig {
  const loaded = new KubeConfig();
  loaded.loadFromFile(kubeconfigPath);
  return loaded;
}

const claim = (name: string, spec: V1PersistentVolumeClaimSpec) =>
  connection.core.createNamespacedPersistentVolumeClaim({
    namespace,
    body: {
      metadata: { name },
      spec: { accessModes: ['ReadWriteMany'], resources: { requests: { storage: '1Gi' } }, ...spec },
    },
  });

const makeCustom = (kind: string, plural: string, body: object) =>
  config
    .makeApiClient(CustomObjectsApi)
    .createClusterCustomObject({ ...kueue, plural, body: { apiVersion: 'kueue.x-k8s.io/v1beta1', kind, ...body } });
const makeQueue = (name: string, clusterQueue: string) =>
  config.makeApiClient(CustomObjectsApi).createNamespacedCustomObject({
    ...kueue,
    namespace,
    plural: 'localqueues',
    body: { apiVersion: 'kueue.x-k8s.io/v1beta1', kind: 'LocalQueue', metadata: { name }, spec: { clusterQueue } },
  });

const stored = (name: string) => ({ claim: name, mounts: [] });
const prepared: JobPlacement = {
  ...{ namespace, image: 'jobs', env: {}, graceSeconds: 1, userId: 10_001 },
  ...{ gpus: 8, gpuProduct: 'NVIDIA-H100-80GB-HBM3', storage: stored('storage'), queue: 'jobs', priorityClass: 'low' },
};

const wrong = async (change: Partial<JobPlacement> = {}, as = connection): Promise<Finding[]> =>
  (await inspectCluster(as, { ...prepared, ...change })).filter(({ ok }) => !ok);

/** The cluster as an account sees it that may do so much in the namespace. */
async function accountWith(name: string, rules: V1PolicyRule[]): Promise<Connection> {
  const rbac = config.makeApiClient(RbacAuthorizationV1Api);
  await connection.core.createNamespacedServiceAccount({ namespace, body: { metadata: { name } } });
  await rbac.createNamespacedRole({ namespace, body: { metadata: { name }, rules } });
  await rbac.createNamespacedRoleBinding({
    namespace,
    body: {
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
      subjects: [{ kind: 'ServiceAccount', name, namespace }],
    },
  });
  const { status } = await connection.core.createNamespacedServiceAccountToken({
    name,
    namespace,
    body: { spec: { audiences: [] } },
  });
  return connectCluster(withToken(status?.token ?? ''));
}

function withToken(
  token: string,
  server = config.getCurrentCluster()?.server ?? '',
  more: { skipTLSVerify?: boolean } = {},
): KubeConfig {
  const current = config.getCurrentCluster();
  if (!current) throw new Error('the cluster has an address');
  const given = new KubeConfig();
  given.loadFromClusterAndUser({ ...current, server, ...more }, { name: 'given', token });
  return given;
}

const enough: V1PolicyRule[] = [
  { apiGroups: ['batch'], resources: ['jobs'], verbs: ['create', 'get', 'list', 'watch', 'patch', 'delete'] },
  { apiGroups: [''], resources: ['pods'], verbs: ['list', 'watch'] },
  { apiGroups: [''], resources: ['pods/log'], verbs: ['get'] },
  { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['create', 'get', 'update'] },
  { apiGroups: ['kueue.x-k8s.io'], resources: ['workloads'], verbs: ['list'] },
];

own('all is well in a namespace that has everything', async () => {
  await until(async () => (await wrong()).length === 0);
  expect(await inspectCluster(connection, prepared)).toEqual([
    { what: 'Kubernetes', ok: true, detail: expect.stringMatching(/^v\d+\.\d+\.\d+ at https:/) },
    { what: 'namespace', ok: true, detail: namespace },
    { what: 'permissions', ok: true, detail: `all 13 that Jobs need in ${namespace}` },
    { what: 'storage claim', ok: true, detail: 'storage, 1Gi, ReadWriteMany' },
    { what: 'queue', ok: true, detail: 'jobs, 0 waiting' },
    { what: 'priority class', ok: true, detail: 'low, -10' },
    { what: 'GPUs', ok: true, detail: '2 nodes with NVIDIA-H100-80GB-HBM3, at most 8 each; a Job asks for 8' },
    { what: 'several nodes', ok: true, detail: 'a Job on several nodes is an Indexed Job: JobSet is not installed' },
  ]);
});

own('what is not asked for is not looked at', async () => {
  const { queue: _queue, priorityClass: _priorityClass, storage: _storage, ...less } = prepared;
  expect((await inspectCluster(connection, { ...less, gpus: 0 })).map(({ what }) => what)).toEqual([
    'Kubernetes',
    'namespace',
    'permissions',
    'several nodes',
  ]);
});

own.each<[string, Partial<JobPlacement>, Partial<Record<keyof Finding, unknown>>]>([
  [
    'a namespace that is not there',
    { namespace: 'nowhere' },
    {
      what: 'namespace',
      detail: 'nowhere does not exist',
      remedy: expect.stringContaining('kubectl apply -k k8s/install'),
    },
  ],
  [
    'a claim that is not there',
    { storage: stored('nothing') },
    {
      what: 'storage claim',
      detail: `nothing does not exist in ${namespace}`,
      remedy: expect.stringContaining('TUNELINE_STORAGE_CLAIM'),
    },
  ],
  [
    'more GPUs than any node has',
    { gpus: 9 },
    {
      what: 'GPUs',
      mayPass: true,
      detail: 'no node has 9: 2 nodes with NVIDIA-H100-80GB-HBM3, at most 8 each; there are NVIDIA-H100-80GB-HBM3',
    },
  ],
  [
    'GPUs that no node has',
    { gpuProduct: 'A100' },
    {
      what: 'GPUs',
      mayPass: true,
      detail: 'no node has 8: 0 nodes with A100, at most 0 each; there are NVIDIA-H100-80GB-HBM3',
    },
  ],
  [
    'a queue that is not there',
    { queue: 'nothing' },
    { what: 'queue', detail: `there is no LocalQueue nothing in ${namespace}` },
  ],
  [
    'a priority class that is not there',
    { priorityClass: 'nothing' },
    { what: 'priority class', detail: 'nothing does not exist' },
  ],
])('%s is the one thing that is wrong, with what to do', async (_what, change, finding) => {
  expect(await wrong(change)).toEqual([{ ok: false, remedy: expect.stringMatching(/./), ...finding }]);
});

own('a queue without a ClusterQueue admits nothing, and says why', async () => {
  const [finding] = await until(async () => {
    const findings = await wrong({ queue: 'orphan' });
    return findings.length > 0 && findings;
  });
  expect(finding).toMatchObject({
    what: 'queue',
    detail: expect.stringMatching(/^orphan admits nothing: .*ClusterQueue/i),
    remedy: expect.stringContaining('kubectl get clusterqueue nothing'),
  });
});

own(
  'a claim that waits for a volume says so in the words of the cluster; one that waits for its first pod is well',
  async () => {
    await claim('waiting', { storageClassName: '' });
    await claim('later', { storageClassName: 'later' });
    const [finding] = await until(async () => {
      const findings = await wrong({ storage: stored('waiting') });
      return /Pending: ./.test(findings[0]?.detail ?? '') && findings;
    });
    expect(finding).toMatchObject({
      what: 'storage claim',
      mayPass: true,
      detail: expect.stringMatching(/no persistent volumes available/),
      remedy: expect.stringContaining(`kubectl -n ${namespace} describe pvc waiting`),
    });
    await until(async () => (await wrong({ storage: stored('later') })).length === 0);
  },
);

own('each permission that is missing is named; what may not be seen is no fault', async () => {
  const all = await accountWith('all', enough);
  expect(await wrong({}, all)).toEqual([]);
  expect(
    (await inspectCluster(all, prepared))
      .filter(({ detail }) => detail.endsWith("can't be seen with this account"))
      .map(({ what }) => what),
  ).toEqual(['namespace', 'storage claim', 'queue', 'priority class', 'GPUs']);
  const less = enough
    .map(({ resources = [], verbs, ...rule }) => ({
      ...rule,
      resources,
      verbs: verbs.filter((verb) => `${resources.join()} ${verb}` !== 'jobs patch'),
    }))
    .filter(({ resources }) => !resources.includes('pods/log'));
  expect(await wrong({}, await accountWith('less', less))).toEqual([
    {
      what: 'permissions',
      ok: false,
      detail: `this account may not, in ${namespace}: jobs patch, pods/log get`,
      remedy: expect.stringContaining('kubectl apply -k k8s/install'),
    },
  ]);
});

own('a server that refuses or does not answer is one finding, and nothing else is asked', async () => {
  expect(await inspectCluster(connectCluster(withToken('wrong')), prepared)).toEqual([
    {
      what: 'Kubernetes',
      ok: false,
      detail: expect.stringMatching(/it answered 401$/),
      remedy: expect.stringContaining('KUBECONFIG'),
    },
  ]);
  const closed = `https://127.0.0.1:${await freePort()}`;
  expect(await inspectCluster(connectCluster(withToken('', closed)), prepared)).toEqual([
    {
      what: 'Kubernetes',
      ok: false,
      detail: expect.stringMatching(new RegExp(`at ${closed} can't be asked: .*ECONNREFUSED`)),
      remedy: expect.anything(),
    },
  ]);
});

own('a server that takes a question and never answers it is given up', async () => {
  const silent = createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const kubeConfig = withToken('', `http://127.0.0.1:${(silent.address() as AddressInfo).port}`, {
    skipTLSVerify: true,
  });
  try {
    expect(await inspectCluster(connectCluster(kubeConfig), prepared, 200)).toMatchObject([
      { what: 'Kubernetes', ok: false, detail: expect.stringMatching(/no answer within 0\.2 s$/) },
    ]);
  } finally {
    silent.closeAllConnections();
    silent.close();
  }
});

own('where Kueue is not installed a queue is served by nobody', async () => {
  const bare = await startCluster({ report, gpuNodes: 0 });
  try {
    const findings = await inspectCluster(connectCluster(load(bare)), {
      ...prepared,
      namespace: 'default',
      gpus: 0,
      queue: 'jobs',
    });
    expect(findings.filter(({ what }) => what === 'queue')).toEqual([
      {
        what: 'queue',
        ok: false,
        detail: 'nobody serves jobs: Kueue is not installed',
        remedy: expect.stringContaining('TUNELINE_JOB_QUEUE'),
      },
    ]);
  } finally {
    await bare.stop();
  }
});

async function tuneline(env: Record<string, string>, ...args: readonly string[]) {
  const home = await mkdtemp(join(tmpdir(), 'tuneline-home-'));
  const settings = {
    TUNELINE_HOME: home,
    KUBECONFIG: cluster.kubeconfigPath,
    TUNELINE_NAMESPACE: namespace,
    TUNELINE_JOB_IMAGE: 'jobs@sha256:0',
    TUNELINE_STORAGE_CLAIM: 'storage',
    MLFLOW_TRACKING_URI: 'http://192.0.2.1',
    TEMPORAL_ADDRESS: '127.0.0.1:9',
  };
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', join(repository, 'scripts/cli/tuneline.ts'), ...args],
    {
      cwd: repository,
      env: { PATH: process.env['PATH'], HOME: home, ...settings, ...env },
      encoding: 'utf8',
    },
  );
  const made = existsSync(join(home, 'state')) || existsSync(join(home, 'tools'));
  await rm(home, { recursive: true });
  return { status, stdout, stderr, made };
}

own('"up" stops before anything is made where the cluster can run no Job', async () => {
  const { status, stdout, stderr, made } = await tuneline(
    { TUNELINE_STORAGE_CLAIM: 'nothing', TUNELINE_JOB_GPUS: '9' },
    'up',
    '--kubernetes',
  );
  expect({ status, stdout, made }).toEqual({ status: 1, stdout: '', made: false });
  expect(stderr).toMatch(
    /^error: Jobs can't run on the cluster yet; nothing was started\.\n✗ storage claim +nothing does not exist in .*\n +to do: .*\nhint: /,
  );
  // Nodes may come when a Job asks for them.
  expect(stderr).not.toContain('GPUs');
});

own("where the console runs, its tokens' Secret is looked at", async () => {
  const elsewhere = `console-${process.pid}`;
  await connection.core.createNamespace({ body: { metadata: { name: elsewhere } } });
  const tokens = async (as = connection): Promise<Finding[]> => inspectConsole(as, elsewhere);
  expect(await tokens()).toEqual([]);

  const labels = { app: 'console' };
  const spec = {
    replicas: 0,
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { containers: [{ name: 'console', image: 'worker' }] } },
  };
  await config
    .makeApiClient(AppsV1Api)
    .createNamespacedDeployment({ namespace: elsewhere, body: { metadata: { name: 'console' }, spec } });
  const missing = (detail: string) => [
    {
      what: 'console tokens',
      ok: false,
      detail,
      remedy: expect.stringMatching(
        new RegExp(
          `token create NAME --role reviewer\nkubectl -n ${elsewhere} create secret generic tuneline-tokens --from-file=tokens.json `,
        ),
      ),
    },
  ];
  expect(await tokens()).toEqual(
    missing(`there is no Secret tuneline-tokens in ${elsewhere}: nobody can sign in to the console`),
  );
  const { status, stdout } = await tuneline({ TUNELINE_NAMESPACE: elsewhere }, 'doctor', '--kubernetes', '--json');
  expect(status).toBe(1);
  expect(JSON.parse(stdout)).toContainEqual(expect.objectContaining({ what: 'console tokens', ok: false }));

  await connection.core.createNamespacedSecret({
    namespace: elsewhere,
    body: { metadata: { name: 'tuneline-tokens' }, stringData: { other: '' } },
  });
  expect(await tokens()).toEqual(
    missing('the Secret tuneline-tokens has no key tokens.json: nobody can sign in to the console'),
  );
  const become = (text: string) =>
    connection.core.replaceNamespacedSecret({
      namespace: elsewhere,
      name: 'tuneline-tokens',
      body: { metadata: { name: 'tuneline-tokens' }, stringData: { 'tokens.json': text } },
    });
  await become('{}');
  expect(await tokens()).toEqual(
    missing('tokens.json in the Secret tuneline-tokens is no tokens file: the console answers nobody'),
  );
  const holding = (role: string) =>
    JSON.stringify([{ name: 'grace', roles: [role], sha256: '0'.repeat(64), createdAt: '2026-01-01T00:00:00Z' }]);
  await become(holding('viewer'));
  expect(await tokens()).toEqual(missing('the Secret tuneline-tokens has no token of a reviewer: nobody may decide'));
  await become(holding('reviewer'));
  expect(await tokens()).toEqual([
    { what: 'console tokens', ok: true, detail: 'the Secret tuneline-tokens, reviewers: grace' },
  ]);
  expect(await tokens(await accountWith('elsewhere', enough))).toEqual([
    { what: 'console tokens', ok: true, detail: "the Secret tuneline-tokens can't be seen with this account" },
  ]);
});

own('"doctor --kubernetes" shows the cluster, too', async () => {
  const { status, stdout } = await tuneline({ TUNELINE_JOB_GPUS: '9' }, 'doctor', '--kubernetes', '--json');
  expect(status).toBe(1);
  const shown = (JSON.parse(stdout) as Finding[]).filter(
    ({ what }) => !['Temporal', 'MLflow', 'storage'].includes(what),
  );
  expect(shown.map(({ what, ok }) => [what, ok])).toEqual([
    ['Kubernetes', true],
    ['namespace', true],
    ['permissions', true],
    ['storage claim', true],
    ['GPUs', false],
    ['several nodes', true],
  ]);
});
