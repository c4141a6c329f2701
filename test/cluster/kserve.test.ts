import { NetworkingV1Api, PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { type Release, releaseId } from '../../domain/endpoint/release.ts';
import { endpointName, releaseName } from '../../domain/names.ts';
import { inspectServing } from '../../k8s/doctor/serving.ts';
import {
  inferenceServiceManifest,
  inferenceServiceName,
  type InferenceService,
} from '../../k8s/manifests/inference-service.ts';
import { inferenceServiceApi } from '../../k8s/manifests/release-metadata.ts';
import { releaseService } from '../../k8s/manifests/traffic.ts';
import { describeEndpointHost } from '../contract/endpoint-host.ts';
import { releaseOf } from '../builders/releases.ts';
import { until } from '../support/until.ts';
import { as, grantWorker, noting } from './support/accounts.ts';
import { givenKubeconfig, startTimeoutMs } from './support/cluster.ts';
import { hostHarness, startServing, type ServingSite } from './support/serving.ts';

/** A cluster that people use need not have KServe. */
const own = givenKubeconfig ? test.skip : test;

const namespace = `kserve-${process.pid}`;
const trial = { smokePrompt: 'hello' };
let site: ServingSite;
beforeAll(async () => {
  if (!givenKubeconfig) site = await startServing(namespace, { kserve: true });
}, startTimeoutMs);
afterAll(() => site?.stop());
afterEach(() => site?.clear());

const services = { ...inferenceServiceApi, plural: 'inferenceservices' };
const of = (endpoint: string) => ({ namespace, labelSelector: `tuneline.dev/endpoint=${endpoint}` });
const servicesOf = async (endpoint: string) =>
  (
    (await site.connection.custom.listNamespacedCustomObject({ ...services, ...of(endpoint) })) as {
      items: InferenceService[];
    }
  ).items;
const ready = ({ status }: InferenceService) =>
  status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True');

if (!givenKubeconfig)
  describeEndpointHost('Kubernetes with KServe', () => {
    // As long as an endpoint's name may be: KServe's own names would be longer than it accepts.
    const endpoint = `${site.makeEndpoint()}-with-a-name-as-long-as-any`.padEnd(41, '0');
    return Promise.resolve(hostHarness(site, endpoint));
  });

own(
  'with what the worker may do KServe makes the pods, we scale them to their shares, and nothing is left in the end',
  async () => {
    const { 'serving-kserve': granted = [] } = await grantWorker(site);
    const worker = await as('worker', site);
    const asked = new Set<string>();
    const host = site.makeHost({}, undefined, noting(worker, asked));
    const endpoint = site.makeEndpoint();
    const release = (version: string): Release => releaseOf(version, { endpoint });
    await host.prepare(release('1'), trial);
    await host.setTraffic(endpoint, [{ release: release('1'), percent: 100 }]);
    await host.prepare(release('2'), trial);
    await host.setTraffic(endpoint, [
      { release: release('1'), percent: 75 },
      { release: release('2'), percent: 25 },
    ]);
    expect(await site.behind(endpoint)).toEqual({ 1: 3, 2: 1 });

    const { autoscaling, policy, core, kubeConfig } = site.connection;
    const scalers = await until(async () => {
      const { items } = await autoscaling.listNamespacedHorizontalPodAutoscaler(of(endpoint));
      return items.every(({ status }) => (status?.currentReplicas ?? 0) > 0) && items;
    });
    // KServe makes none beside them.
    const bounds = Object.fromEntries(
      scalers.map(({ metadata, spec, status }) => [
        metadata?.name ?? '',
        [spec?.scaleTargetRef.name, spec?.minReplicas, spec?.maxReplicas, status?.currentReplicas],
      ]),
    );
    const [name1, name2] = [releaseName(release('1')), releaseName(release('2'))];
    expect(bounds).toEqual({ [name1]: [`${name1}-predictor`, 3, 3, 3], [name2]: [`${name2}-predictor`, 1, 1, 1] });
    expect(await until(async () => (await servicesOf(endpoint)).every(ready))).toBe(true);
    expect((await kubeConfig.makeApiClient(NetworkingV1Api).listNamespacedIngress({ namespace })).items).toEqual([]);
    const [pod] = await site.podsOf(endpoint);
    expect(pod?.metadata?.labels).toMatchObject({ 'app.kubernetes.io/managed-by': 'tuneline-endpoint' });
    expect(pod?.spec).toMatchObject({
      automountServiceAccountToken: false,
      containers: [
        { name: 'kserve-container', lifecycle: { preStop: { sleep: { seconds: 10 } } } },
        { name: 'engine', startupProbe: { failureThreshold: 180, terminationGracePeriodSeconds: 20 } },
      ],
    });
    expect(pod?.spec?.terminationGracePeriodSeconds).toBe(150);

    await host.setTraffic(endpoint, []);
    await host.retireIdle(endpoint);
    expect(await site.podsOf(endpoint)).toEqual([]);
    expect(await servicesOf(endpoint)).toEqual([]);
    await until(async () => {
      const left = await Promise.all([
        autoscaling.listNamespacedHorizontalPodAutoscaler(of(endpoint)),
        policy.listNamespacedPodDisruptionBudget(of(endpoint)),
        core.listNamespacedService(of(endpoint)),
      ]);
      return left.flatMap(({ items }) => items.map(({ metadata }) => metadata?.name)).join() === endpointName(endpoint);
    });
    expect([...asked].filter((one) => one.startsWith('inferenceservices')).sort()).toEqual(granted.sort());
    expect(await inspectServing(worker, site.placement)).toMatchObject([
      { what: 'serving', ok: true, detail: `all 15 that releases need in ${namespace}` },
      { what: 'traffic' },
      { what: 'KServe', ok: true, detail: 'each release is an InferenceService' },
    ]);
  },
);

own('a change of the setting takes over what is there, whoever made it', async () => {
  const [plain, host] = [site.makeHost({ kserve: false }), site.makeHost()];
  const endpoint = site.makeEndpoint();
  const [before, after] = [releaseOf('1', { endpoint }), releaseOf('2', { endpoint })];
  await plain.prepare(before, trial);
  await host.prepare(before, trial);
  expect(await servicesOf(endpoint)).toEqual([]);
  await host.setTraffic(endpoint, [{ release: before, percent: 100 }]);
  await host.prepare(after, trial);
  await host.setTraffic(endpoint, [
    { release: before, percent: 50 },
    { release: after, percent: 50 },
  ]);
  expect(await site.behind(endpoint)).toEqual({ 1: 2, 2: 2 });
  await host.setTraffic(endpoint, [{ release: after, percent: 100 }]);
  await host.retireIdle(endpoint);
  await plain.prepare(after, trial);
  expect((await site.deploymentsOf(endpoint)).map(({ metadata }) => metadata?.name)).toEqual([
    `${releaseName(after)}-predictor`,
  ]);
  await plain.setTraffic(endpoint, []);
  await plain.retireIdle(endpoint);
  expect(await servicesOf(endpoint)).toEqual([]);
});

own('what KServe made no Deployment of goes, too', async () => {
  const endpoint = site.makeEndpoint();
  const { metadata, ...manifest } = inferenceServiceManifest(releaseOf('1', { endpoint }), trial, site.placement);
  // Which KServe leaves to another controller.
  const annotations = { ...metadata.annotations, 'serving.kserve.io/deploymentMode': 'ModelMesh' };
  await site.connection.custom.createNamespacedCustomObject({
    ...services,
    namespace,
    body: { ...manifest, metadata: { ...metadata, annotations } },
  });
  await site.makeHost().retireIdle(endpoint);
  expect(await servicesOf(endpoint)).toEqual([]);
});

own('what is on its way out is no release, though its pods still answer', async () => {
  const release = releaseOf('1', { endpoint: site.makeEndpoint() });
  const host = site.makeHost();
  await host.prepare(release, trial);
  const one = { ...services, namespace, name: inferenceServiceName(release, namespace) };
  const { custom } = site.connection;
  await custom.patchNamespacedCustomObject({
    ...one,
    body: [{ op: 'add', path: '/metadata/finalizers/-', value: 'tuneline.dev/test' }],
  });
  await custom.deleteNamespacedCustomObject({ ...one, body: { propagationPolicy: 'Background' } });
  expect((await site.deploymentsOf(release.endpoint))[0]?.status?.availableReplicas).toBe(1);
  await expect(host.prepare(release, trial)).rejects.toThrow('made at the next attempt');
  await custom.patchNamespacedCustomObject(
    { ...one, body: { metadata: { finalizers: null } } },
    setHeaderOptions('Content-Type', PatchStrategy.MergePatch),
  );
  await until(async () => (await site.deploymentsOf(release.endpoint)).length === 0);
  // KServe may make its Deployment once more before it hears that it is gone: whoever prepares tries again.
  await until(() =>
    host.prepare(release, trial).then(
      () => true,
      (error: unknown) => {
        if (!/made at the next attempt|deleted while it started/.test(String(error))) throw error;
        return false;
      },
    ),
  );
  expect((await servicesOf(release.endpoint)).length).toBe(1);
});

own('a Deployment that somebody deletes KServe makes anew, and it is scaled as before', async () => {
  const host = site.makeHost();
  const endpoint = site.makeEndpoint();
  const [one, two] = [releaseOf('1', { endpoint }), releaseOf('2', { endpoint })];
  await host.prepare(one, trial);
  await host.setTraffic(endpoint, [{ release: one, percent: 100 }]);
  const name = `${inferenceServiceName(one, namespace)}-predictor`;
  const { metadata } = await site.connection.apps.readNamespacedDeployment({ namespace, name });
  await site.connection.apps.deleteNamespacedDeployment({ namespace, name });
  await until(async () =>
    (await site.deploymentsOf(endpoint)).some(
      (made) => made.metadata?.uid !== metadata?.uid && made.status?.availableReplicas === 1,
    ),
  );
  await host.prepare(two, trial);
  await host.setTraffic(endpoint, [
    { release: one, percent: 50 },
    { release: two, percent: 50 },
  ]);
  expect(await site.behind(endpoint)).toEqual({ 1: 2, 2: 2 });
});

own("the Service that a route would weigh reaches the release's pods", async () => {
  const release = releaseOf('1', { endpoint: site.makeEndpoint() });
  await site.makeHost().prepare(release, trial);
  const [deployment] = await site.deploymentsOf(release.endpoint);
  if (!deployment) throw new Error('it is prepared');
  await site.connection.core.createNamespacedService({ namespace, body: releaseService(deployment) });
  const targets = await until(async () => {
    const { items } = await site.connection.discovery.listNamespacedEndpointSlice({
      namespace,
      labelSelector: `kubernetes.io/service-name=${releaseName(release)}`,
    });
    const found = items.flatMap(({ endpoints }) => endpoints ?? []).filter(({ conditions }) => conditions?.ready);
    return found.length > 0 && found;
  });
  const [pod] = await site.podsOf(release.endpoint);
  expect(targets.map(({ targetRef }) => targetRef?.name)).toEqual([pod?.metadata?.name]);
  expect(pod?.metadata?.labels?.['tuneline.dev/release']).toBe(releaseId(release));
});
