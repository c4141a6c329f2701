import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from '@jest/globals';
import { connectCluster } from '../../k8s/client.ts';
import { inspectCluster } from '../../k8s/doctor.ts';
import { inspectConsole } from '../../k8s/doctor/console.ts';
import type { Finding } from '../../k8s/doctor/finding.ts';
import { freePort } from '../../local/ports.ts';
import { until } from '../support/until.ts';
import { givenKubeconfig, startCluster } from './support/cluster.ts';
import { deployConsole, missingTokens, replaceTokens, tokenOf } from './support/doctor/console.ts';
import { load, openDoctorCluster, report } from './support/doctor/doctor-cluster.ts';
import { enough, mistakes, namespace, prepared, stored } from './support/doctor/settings.ts';
import { tuneline } from './support/doctor/tuneline.ts';

/** A cluster that people use need not be as these tests prepare theirs. */
const own = givenKubeconfig ? test.skip : test;

const doctor = openDoctorCluster();
const { claim, wrong, accountWith, withToken } = doctor;

own('all is well in a namespace that has everything', async () => {
  await until(async () => (await wrong()).length === 0);
  expect(await inspectCluster(doctor.connection, prepared)).toEqual([
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
  expect((await inspectCluster(doctor.connection, { ...less, gpus: 0 })).map(({ what }) => what)).toEqual([
    'Kubernetes',
    'namespace',
    'permissions',
    'several nodes',
  ]);
});

own.each(mistakes)('%s is the one thing that is wrong, with what to do', async (_what, change, finding) => {
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

own('"up" stops before anything is made where the cluster can run no Job', async () => {
  const { status, stdout, stderr, made } = await tuneline(
    doctor.kubeconfigPath,
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
  await doctor.connection.core.createNamespace({ body: { metadata: { name: elsewhere } } });
  const tokens = async (as = doctor.connection): Promise<Finding[]> => inspectConsole(as, elsewhere);
  expect(await tokens()).toEqual([]);

  await deployConsole(doctor, elsewhere);
  const missing = (detail: string) => [missingTokens(elsewhere, detail)];
  expect(await tokens()).toEqual(
    missing(`there is no Secret tuneline-tokens in ${elsewhere}: nobody can sign in to the console`),
  );
  const { status, stdout } = await tuneline(
    doctor.kubeconfigPath,
    { TUNELINE_NAMESPACE: elsewhere },
    'doctor',
    '--kubernetes',
    '--json',
  );
  expect(status).toBe(1);
  expect(JSON.parse(stdout)).toContainEqual(expect.objectContaining({ what: 'console tokens', ok: false }));

  await doctor.connection.core.createNamespacedSecret({
    namespace: elsewhere,
    body: { metadata: { name: 'tuneline-tokens' }, stringData: { other: '' } },
  });
  expect(await tokens()).toEqual(
    missing('the Secret tuneline-tokens has no key tokens.json: nobody can sign in to the console'),
  );
  await replaceTokens(doctor, elsewhere, '{}');
  expect(await tokens()).toEqual(
    missing('tokens.json in the Secret tuneline-tokens is no tokens file: the console answers nobody'),
  );
  await replaceTokens(doctor, elsewhere, tokenOf('viewer'));
  expect(await tokens()).toEqual(missing('the Secret tuneline-tokens has no token of a reviewer: nobody may decide'));
  await replaceTokens(doctor, elsewhere, tokenOf('reviewer'));
  expect(await tokens()).toEqual([
    { what: 'console tokens', ok: true, detail: 'the Secret tuneline-tokens, reviewers: grace' },
  ]);
  expect(await tokens(await accountWith('elsewhere', enough))).toEqual([
    { what: 'console tokens', ok: true, detail: "the Secret tuneline-tokens can't be seen with this account" },
  ]);
});

own('"doctor --kubernetes" shows the cluster, too', async () => {
  const { status, stdout } = await tuneline(
    doctor.kubeconfigPath,
    { TUNELINE_JOB_GPUS: '9' },
    'doctor',
    '--kubernetes',
    '--json',
  );
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
