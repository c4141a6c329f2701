import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import {
  AppsV1Api,
  AuthorizationV1Api,
  CoordinationV1Api,
  CustomObjectsApi,
  KubeConfig,
  KubernetesObjectApi,
  loadAllYaml,
  PatchStrategy,
  RbacAuthorizationV1Api,
  setHeaderOptions,
  type KubernetesObject,
  type V1ConfigMap,
  type V1Deployment,
  type V1Role,
} from '@kubernetes/client-node';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connectCluster, statusOf, unlessMissing, type Cluster as Connection } from '../../k8s/client.ts';
import { inspectCluster, inspectConsole } from '../../k8s/doctor.ts';
import { createKubernetesJobRunner } from '../../k8s/jobs/job-runner.ts';
import { jobSetApi } from '../../k8s/manifests/job-set.ts';
import { whileLeading } from '../../k8s/lease.ts';
import type { JobPlacement } from '../../k8s/manifests/job.ts';
import { createToken } from '../../workers/console/access.ts';
import { loadConfig } from '../../workers/config.ts';
import { placementOf, unprivilegedUser } from '../../workers/kubernetes.ts';
import { finished, jobOf, jobOn, phase } from '../contract/jobs.ts';
import { repository } from '../support/stack.ts';
import { until } from '../support/until.ts';
import { givenKubeconfig, startCluster, startTimeoutMs, type Cluster } from './support/cluster.ts';
import { neverEnding } from './support/never-ending.ts';

const namespace = 'tuneline';
const folder = join(repository, 'k8s', 'install');

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

/** What `kubectl apply -k` would apply; the files use nothing of kustomize but lists of resources. */
async function objectsOf(path: string): Promise<KubernetesObject[]> {
  if (path.endsWith('.yaml')) return loadAllYaml(await readFile(path, 'utf8')) as KubernetesObject[];
  const [kustomization] = loadAllYaml(await readFile(join(path, 'kustomization.yaml'), 'utf8')) as {
    resources: string[];
  }[];
  expect(Object.keys(kustomization ?? {})).toEqual(['apiVersion', 'kind', 'resources']);
  return (
    await Promise.all((kustomization?.resources ?? []).map((resource) => objectsOf(join(path, resource))))
  ).flat();
}

async function install(path: string): Promise<void> {
  const api = KubernetesObjectApi.makeApiClient(config);
  for (const object of await objectsOf(path)) await api.create(object);
}

const phaseOfClaim = async (): Promise<string | undefined> =>
  (await admin.core.readNamespacedPersistentVolumeClaim({ namespace, name: 'tuneline' })).status?.phase;

/** The cluster as an account of the namespace sees it: by its token alone. */
async function as(name: string): Promise<{ connection: Connection; kubeConfig: KubeConfig }> {
  const { status } = await admin.core.createNamespacedServiceAccountToken({
    name,
    namespace,
    body: { spec: { audiences: [] } },
  });
  const kubeConfig = new KubeConfig();
  const server = config.getCurrentCluster();
  if (!server) throw new Error('the cluster has an address');
  kubeConfig.loadFromClusterAndUser(server, { name, token: status?.token ?? '' });
  return { connection: connectCluster(kubeConfig), kubeConfig };
}

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

/** As the worker's Deployment sets it, once an overlay has named the image. */
async function placement(): Promise<JobPlacement> {
  const [settings] = (await objectsOf(join(folder, 'settings.yaml'))) as V1ConfigMap[];
  const placed = placementOf(
    loadConfig({ ...settings?.data, TUNELINE_NAMESPACE: namespace, TUNELINE_JOB_IMAGE: 'jobs@sha256:0' }),
    unprivilegedUser,
  );
  if (!placed) throw new Error('the settings choose Kubernetes');
  return placed;
}

/** What a worker does with an account, and what its log says meanwhile. */
async function workerAs(account: string) {
  const { connection, kubeConfig } = await as(account);
  const said: string[] = [];
  const log = (message: string, fields: Record<string, unknown>): void =>
    void said.push(`${message} ${JSON.stringify(fields)}`);
  const placed = await placement();
  const runner = (more: Partial<JobPlacement> = {}, through = connection) =>
    createKubernetesJobRunner({ cluster: through, placement: { ...placed, ...more }, log });
  return {
    connection,
    said,
    runner: runner(),
    /** One runner hands its hints to one reader, and `finished` is one. */
    watcher: runner(),
    endless: runner({}, neverEnding(connection)),
    /** No Kueue is here to admit its Jobs. */
    queued: runner({ queue: 'jobs' }),
    placed,
    lead: async (during: (leading: () => boolean) => Promise<unknown>): Promise<void> => {
      const stop = new AbortController();
      let leading = false;
      const api = kubeConfig.makeApiClient(CoordinationV1Api);
      const over = whileLeading(
        { api, namespace, name: account, holder: account, log, clocks: { durationMs: 2000, renewMs: 100 } },
        stop.signal,
        async (signal) => {
          leading = true;
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
        },
      );
      await during(() => leading);
      stop.abort();
      await over;
    },
    kueue: (plural: string, name?: string): Promise<unknown> => {
      const custom = kubeConfig.makeApiClient(CustomObjectsApi);
      const asked = { group: 'kueue.x-k8s.io', version: 'v1beta1', namespace, plural };
      return name ? custom.getNamespacedCustomObject({ ...asked, name }) : custom.listNamespacedCustomObject(asked);
    },
    jobSets: (verb: JobSetVerb): Promise<unknown> => {
      const custom = kubeConfig.makeApiClient(CustomObjectsApi);
      const asked = { ...jobSetApi, namespace, plural: 'jobsets', name: 'gang', body: {} };
      const attempts = {
        create: () => custom.createNamespacedCustomObject(asked),
        get: () => custom.getNamespacedCustomObject(asked),
        patch: () => custom.patchNamespacedCustomObject(asked, mergePatch),
        delete: () => custom.deleteNamespacedCustomObject(asked),
      };
      return attempts[verb]();
    },
  };
}

const mergePatch = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);
const jobSetVerbs = ['create', 'get', 'patch', 'delete'] as const;
type JobSetVerb = (typeof jobSetVerbs)[number];

type Acting = Awaited<ReturnType<typeof workerAs>>;

own("with the worker's token alone all goes through that a worker does", async () => {
  const { runner, watcher, endless, queued, connection, placed, said, lead, kueue, jobSets } = await workerAs('worker');
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

const refused = (attempt: Promise<unknown>): Promise<void> => expect(attempt).rejects.toMatchObject({ code: 403 });
const complains = ({ said }: Acting): Promise<unknown> =>
  until(() => Promise.resolve(said.some((line) => /403|Forbidden/i.test(line))));

async function made({ runner }: Acting) {
  const job = jobOf({ does: 'succeed', value: '' });
  await runner.create(job);
  return job;
}
async function watches(acting: Acting): Promise<void> {
  const stop = new AbortController();
  const watching = (async () => {
    for await (const _hint of acting.runner.watch(stop.signal));
  })();
  await complains(acting);
  stop.abort();
  await watching;
}

/** For each verb of the Role what stops working without it. Resolves if it does. */
const losses: Readonly<Record<string, (acting: Acting) => Promise<unknown>>> = {
  'jobs create': ({ runner }) => refused(runner.create(jobOf({ does: 'sleep' }))),
  'jobs get': async (acting) => refused(acting.runner.create(await made(acting))),
  'jobs list': ({ runner }) => refused(runner.listOpen()),
  'jobs watch': watches,
  'jobs patch': async (acting) => refused(acting.runner.acknowledge((await made(acting)).name)),
  'jobs delete': async ({ queued }) => {
    const job = jobOf({ does: 'sleep' });
    await queued.create(job);
    await queued.cancel(job.name, 'Deleted', 'enough');
    await refused(queued.acknowledge(job.name));
  },
  'services create': ({ runner }) => refused(runner.create(jobOn(2, { does: 'succeed', value: '' }))),
  'pods list': async (acting) => refused(acting.runner.read((await made(acting)).name)),
  'pods watch': watches,
  'pods/log get': async (acting) => {
    const { name } = await made(acting);
    await finished(acting.runner, name);
    expect(await acting.runner.logTail(name, 1000)).toBe('');
  },
  'events list': async (acting) => {
    const { name } = await made(acting);
    await finished(acting.runner, name);
    expect(await acting.runner.events(name)).toBe('');
  },
  'persistentvolumeclaims get': async ({ connection, placed }) =>
    expect(await inspectCluster(connection, placed)).toContainEqual({
      what: 'storage claim',
      ok: true,
      detail: "tuneline can't be seen with this account",
    }),
  'leases create': (acting) => acting.lead(() => complains(acting)),
  'leases get': (acting) => acting.lead(() => complains(acting)),
  'leases update': (acting) => acting.lead(() => complains(acting)),
  'workloads list': ({ kueue }) => refused(kueue('workloads')),
  ...Object.fromEntries(
    jobSetVerbs.map((verb) => [`jobsets ${verb}`, ({ jobSets }: Acting) => refused(jobSets(verb))]),
  ),
  'localqueues get': ({ kueue }) => refused(kueue('localqueues', 'jobs')),
};

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
  await losses[grant]?.(await workerAs(name));
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
  const { kubeConfig } = await as('worker');
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
