import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import {
  AppsV1Api,
  AuthorizationV1Api,
  KubeConfig,
  KubernetesObjectApi,
  RbacAuthorizationV1Api,
  type V1Deployment,
  type V1Role,
} from '@kubernetes/client-node';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connectCluster, statusOf, unlessMissing, type Cluster as Connection } from '../../k8s/client.ts';
import { inspectCluster } from '../../k8s/doctor.ts';
import { inspectConsole } from '../../k8s/doctor/console.ts';
import { createToken } from '../../workers/console/access.ts';
import { unprivilegedUser } from '../../workers/kubernetes.ts';
import { finished, jobOf, jobOn, phase } from '../contract/jobs.ts';
import { until } from '../support/until.ts';
import { givenKubeconfig, startCluster, startTimeoutMs, type Cluster } from './support/cluster.ts';
import { losses } from './support/install/losses.ts';
import { folder, namespace, objectsOf } from './support/install/resources.ts';
import { as, jobSetVerbs, workerAs } from './support/install/worker-account.ts';

let cluster: Cluster;
let config: KubeConfig;
let admin: Connection;
beforeAll(async () => {
  cluster = await startCluster({ report: (message) => void process.stderr.write(`${message}\n`) });
  config = new KubeConfig();
  config.loadFromFile(cluster.kubeconfigPath);
  admin = connectCluster(config);
}, startTimeoutMs);
afterAll(() => cluster.stop());

/** A cluster that people use may have a Tuneline of its own, which is not to be installed anew. */
const own = givenKubeconfig ? test.skip : test;

async function install(path: string): Promise<void> {
  const api = KubernetesObjectApi.makeApiClient(config);
  for (const object of await objectsOf(path)) await api.create(object);
}

const phaseOfClaim = async (): Promise<string | undefined> =>
  (await admin.core.readNamespacedPersistentVolumeClaim({ namespace, name: 'tuneline' })).status?.phase;

own('what one machine needs is taken as it is, and the claim gets the folder', async () => {
  await install(join(folder, 'one-machine'));
  await until(async () => (await phaseOfClaim()) === 'Bound');
  await admin.core.deleteNamespace({ name: namespace });
  await admin.core.deletePersistentVolume({ name: 'tuneline' });
  await until(async () => (await admin.core.readNamespace({ name: namespace }).catch(unlessMissing)) === undefined);
  await until(
    async () => (await admin.core.readPersistentVolume({ name: 'tuneline' }).catch(unlessMissing)) === undefined,
  );
});

own('everything is taken as it is, and the restricted namespace admits the pods', async () => {
  const classless = { capacity: { storage: '100Gi' }, accessModes: ['ReadWriteMany'], hostPath: { path: '/storage' } };
  await admin.core.createPersistentVolume({ body: { metadata: { name: 'team' }, spec: classless } });
  await install(folder);
  const apps = config.makeApiClient(AppsV1Api);
  for (const name of ['worker', 'endpoint-server', 'console'])
    await until(async () => {
      const { spec, status } = await apps.readNamespacedDeployment({ namespace, name });
      return status?.availableReplicas === spec?.replicas;
    });
  const pods = await admin.core.listNamespacedPod({ namespace });
  for (const { spec } of pods.items) expect(spec?.securityContext?.runAsUser).toBe(unprivilegedUser);
});

own('where the console takes its tokens from, the doctor looks for them', async () => {
  const console = (await objectsOf(join(folder, 'console.yaml'))).find(
    ({ kind }) => kind === 'Deployment',
  ) as V1Deployment;
  const pod = console.spec?.template.spec;
  const secret = pod?.volumes?.find(({ name }) => name === 'tokens')?.secret?.secretName ?? '';
  const path = pod?.containers[0]?.env?.find(({ name }) => name === 'TUNELINE_TOKENS')?.value ?? '';
  expect(await inspectConsole(admin, namespace)).toMatchObject([
    { ok: false, remedy: expect.stringContaining(secret) },
  ]);

  const tokens = await mkdtemp(join(tmpdir(), 'tuneline-tokens-'));
  await createToken(join(tokens, basename(path)), { name: 'grace', roles: ['reviewer'] });
  const stringData = { [basename(path)]: await readFile(join(tokens, basename(path)), 'utf8') };
  await rm(tokens, { recursive: true });
  await admin.core.createNamespacedSecret({ namespace, body: { metadata: { name: secret }, stringData } });
  expect(await inspectConsole(admin, namespace)).toEqual([
    { what: 'console tokens', ok: true, detail: expect.stringMatching(/reviewers: grace$/) },
  ]);
});

own("with the worker's token alone all goes through that a worker does", async () => {
  const { runner, watcher, endless, queued, connection, placed, said, lead, kueue, jobSets } = await workerAs(
    'worker',
    admin,
  );
  const watched = new AbortController();
  const hints: string[] = [];
  const watching = (async () => {
    for await (const hint of watcher.watch(watched.signal)) hints.push(hint);
  })();

  const ends = jobOf({ does: 'succeed', value: '' });
  expect(await runner.create(ends)).toBe('created');
  expect(await runner.create(ends)).toBe('adopted');
  expect(await finished(runner, ends.name)).toMatchObject({ kind: 'succeeded' });
  await until(() => Promise.resolve(hints.includes(ends.name)));
  expect(await runner.logTail(ends.name, 1000)).toBe('what a pod says\n');
  expect(await runner.events(ends.name)).toMatch(/Scheduled|SuccessfulCreate/);
  expect((await runner.listOpen()).map(({ name }) => name)).toEqual([ends.name]);
  await runner.acknowledge(ends.name);

  const gang = jobOn(2, { does: 'succeed', value: '' });
  await runner.create(gang);
  expect(await finished(runner, gang.name)).toMatchObject({ kind: 'succeeded' });
  await runner.acknowledge(gang.name);

  const runs = jobOf({ does: 'sleep' });
  await endless.create(runs);
  await phase(endless, runs.name, 'running');
  await endless.cancel(runs.name, 'Deleted', 'enough');
  expect(await finished(endless, runs.name)).toMatchObject({ failure: { class: 'Deleted' } });
  await endless.acknowledge(runs.name);

  const waits = jobOf({ does: 'sleep' });
  await queued.create(waits);
  await queued.cancel(waits.name, 'Deleted', 'enough');
  await queued.acknowledge(waits.name);
  await until(async () => (await queued.read(waits.name)).phase === 'absent');

  expect(await runner.listOpen()).toEqual([]);
  watched.abort();
  await watching;
  await lead((leading) => until(() => Promise.resolve(leading())));
  // There is neither Kueue nor JobSet, and an account that may not ask is not told that.
  for (const name of [undefined, 'jobs'])
    expect(statusOf(await kueue(name ? 'localqueues' : 'workloads', name).catch((error: unknown) => error))).toBe(404);
  for (const verb of jobSetVerbs) expect(statusOf(await jobSets(verb).catch((error: unknown) => error))).toBe(404);
  expect(said).toEqual([]);
  expect((await inspectCluster(connection, placed)).filter(({ ok }) => !ok)).toEqual([]);
});

own('the Role holds no verb but those without which something stops working', async () => {
  const rbac = config.makeApiClient(RbacAuthorizationV1Api);
  const { rules = [] } = await rbac.readNamespacedRole({ namespace, name: 'worker' });
  const granted = rules.flatMap(({ resources, verbs }) => verbs.map((verb) => `${resources?.join() ?? ''} ${verb}`));
  expect(granted.sort()).toEqual(Object.keys(losses).sort());
});

own.each(Object.keys(losses))('without "%s" something stops working', async (grant) => {
  const [resource = '', verb = ''] = grant.split(' ');
  const rbac = config.makeApiClient(RbacAuthorizationV1Api);
  const { rules = [] } = await rbac.readNamespacedRole({ namespace, name: 'worker' });
  const less: V1Role['rules'] = rules
    .map((rule) => ({ ...rule, verbs: rule.verbs.filter((v) => !rule.resources?.includes(resource) || v !== verb) }))
    .filter(({ verbs }) => verbs.length > 0);
  const name = `without-${grant.replace(/\W/g, '-')}`;
  await admin.core.createNamespacedServiceAccount({ namespace, body: { metadata: { name } } });
  await rbac.createNamespacedRole({ namespace, body: { metadata: { name }, rules: less } });
  await rbac.createNamespacedRoleBinding({
    namespace,
    body: {
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
      subjects: [{ kind: 'ServiceAccount', name, namespace }],
    },
  });
  await losses[grant]?.(await workerAs(name, admin));
});

own.each<[string, { namespace?: string; group?: string; resource: string; subresource?: string; verb: string }]>([
  ['read Secrets', { namespace, resource: 'secrets', verb: 'get' }],
  ['run a command in a pod', { namespace, resource: 'pods', subresource: 'exec', verb: 'create' }],
  ['make a pod that is no Job', { namespace, resource: 'pods', verb: 'create' }],
  ['change what it may', { namespace, group: 'rbac.authorization.k8s.io', resource: 'roles', verb: 'update' }],
  ['act as another account', { namespace, resource: 'serviceaccounts', subresource: 'token', verb: 'create' }],
  ['make Jobs elsewhere', { namespace: 'default', group: 'batch', resource: 'jobs', verb: 'create' }],
  ['see Jobs everywhere', { group: 'batch', resource: 'jobs', verb: 'list' }],
  ['see nodes', { resource: 'nodes', verb: 'list' }],
])('the worker may not %s', async (_what, resourceAttributes) => {
  const { kubeConfig } = await as('worker', admin);
  const review = await kubeConfig
    .makeApiClient(AuthorizationV1Api)
    .createSelfSubjectAccessReview({ body: { spec: { resourceAttributes } } });
  expect(review.status).toMatchObject({ allowed: false });
});

own('endpoint server, console, and what has no account of its own, get no token', async () => {
  for (const { metadata, spec } of (await admin.core.listNamespacedPod({ namespace })).items)
    expect([metadata?.name, (spec?.volumes ?? []).some(({ projected }) => projected)]).toEqual([
      metadata?.name,
      metadata?.labels?.['app.kubernetes.io/name'] === 'worker',
    ]);
});
