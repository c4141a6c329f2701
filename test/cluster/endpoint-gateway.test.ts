import { isDeepStrictEqual } from 'node:util';
import { PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { Release } from '../../domain/endpoint/release.ts';
import { endpointName, releaseName } from '../../domain/names.ts';
import { inspectServing } from '../../k8s/doctor/serving.ts';
import type { HttpRoute } from '../../k8s/manifests/traffic.ts';
import { releaseOf } from '../builders/releases.ts';
import { until } from '../support/until.ts';
import { as, grantWorker, noting } from './support/accounts.ts';
import { givenKubeconfig, startTimeoutMs } from './support/cluster.ts';
import { serveHttpRoutes } from './support/managers/gateway-api.ts';
import { report, startServing, type ServingSite } from './support/serving.ts';

/** A cluster that people use is not given an API for a test. */
const own = givenKubeconfig ? test.skip : test;

const namespace = `gateway-${process.pid}`;
const gateway = { namespace: 'gateways', name: 'public', url: 'https://*.models.example.com' };
const trial = { smokePrompt: 'hello' };
let site: ServingSite;
beforeAll(async () => {
  if (!givenKubeconfig) site = await startServing(namespace);
}, startTimeoutMs);
afterAll(() => site?.stop());
afterEach(() => site?.clear());

own('a Gateway that is named where nobody serves such is not used, and the doctor says so', async () => {
  expect((await site.makeHost({ gateway }).traffic('summaries')).url).toBe(
    `http://endpoint-summaries.${namespace}:8000`,
  );
  const [, traffic] = await inspectServing(site.connection, { ...site.placement, gateway });
  expect(traffic).toMatchObject({
    what: 'traffic',
    ok: false,
    detail: 'the cluster does not serve gateway.networking.k8s.io: the Gateway gateways/public is not used',
    remedy: expect.stringContaining('TUNELINE_GATEWAY'),
  });
  await serveHttpRoutes(site.connection.kubeConfig, { env: process.env, report });
});

own('where the cluster serves the Gateway API, a route weighs the releases', async () => {
  const endpoint = site.makeEndpoint();
  const release = (version: string): Release => releaseOf(version, { endpoint });
  const shares = (...given: readonly (readonly [string, number])[]) =>
    given.map(([version, percent]) => ({ release: release(version), percent }));
  const at = {
    group: 'gateway.networking.k8s.io',
    version: 'v1',
    namespace,
    plural: 'httproutes',
    name: endpointName(endpoint),
  };
  const { custom, autoscaling, core, discovery } = site.connection;
  const route = () => custom.getNamespacedCustomObject(at).catch(() => undefined) as Promise<HttpRoute | undefined>;
  const weights = async () => (await route())?.spec.rules[0]?.backendRefs.map(({ name, weight }) => [name, weight]);
  const untilWeighed = (...given: readonly (readonly [string, number])[]) =>
    until(async () =>
      isDeepStrictEqual(
        await weights(),
        given.map(([version, weight]) => [releaseName(release(version)), weight]),
      ),
    );
  /** What a controller says of a route: there is none here. */
  async function accept(): Promise<void> {
    const observedGeneration = (await route())?.metadata.generation ?? 0;
    const conditions = ['Accepted', 'ResolvedRefs'].map((type) => ({
      type,
      status: 'True',
      reason: type,
      message: '',
      lastTransitionTime: new Date().toISOString(),
      observedGeneration,
    }));
    const parents = [{ controllerName: 'example.com/tests', parentRef: { name: 'public' }, conditions }];
    await custom.patchNamespacedCustomObjectStatus(
      { ...at, body: { status: { parents } } },
      setHeaderOptions('Content-Type', PatchStrategy.MergePatch),
    );
  }

  const host = site.makeHost({ gateway });
  await host.prepare(release('1'), trial);
  const hasty = site.makeHost({ gateway }, { lookEveryMs: 100, settleMs: 300 });
  await expect(hasty.setTraffic(endpoint, shares(['1', 100]))).rejects.toThrow(
    'the Gateway gateways/public has not taken the route',
  );
  await accept();
  expect(await host.setTraffic(endpoint, shares(['1', 100]))).toEqual({
    url: `https://${endpoint}.models.example.com`,
    shares: shares(['1', 100]),
  });

  await host.prepare(release('2'), trial);
  const splitting = host.setTraffic(endpoint, shares(['1', 95], ['2', 5]));
  await untilWeighed(['1', 95], ['2', 5]);
  await accept();
  await splitting;
  expect((await host.traffic(endpoint)).shares).toEqual(shares(['1', 95], ['2', 5]));
  // However small the share, its pods are its own, and a further release may start.
  const { items } = await autoscaling.listNamespacedHorizontalPodAutoscaler({
    namespace,
    labelSelector: `tuneline.dev/endpoint=${endpoint}`,
  });
  expect(items.map(({ spec }) => [spec?.minReplicas, spec?.maxReplicas])).toEqual([
    [1, 4],
    [1, 4],
  ]);
  const slices = await discovery.listNamespacedEndpointSlice({
    namespace,
    labelSelector: `kubernetes.io/service-name=${releaseName(release('2'))}`,
  });
  expect(slices.items.flatMap(({ endpoints = [] }) => endpoints)).toHaveLength(1);
  await host.prepare(release('3'), trial);

  const promoting = host.setTraffic(endpoint, shares(['2', 100]));
  await untilWeighed(['2', 100]);
  await accept();
  await promoting;
  await host.retireIdle(endpoint);
  const services = async () =>
    (await core.listNamespacedService({ namespace, labelSelector: `tuneline.dev/endpoint=${endpoint}` })).items.map(
      ({ metadata }) => metadata?.name,
    );
  await until(async () => isDeepStrictEqual(await services(), [releaseName(release('2'))]));
});

own('with what the worker may do all goes through, and for serving it may do nothing else', async () => {
  const { serving: granted = [] } = await grantWorker(site);
  const worker = await as('worker', site);
  expect(await inspectServing(worker, site.placement)).toEqual([
    { what: 'serving', ok: true, detail: `all 12 that releases need in ${namespace}` },
    { what: 'traffic', ok: true, detail: 'by replicas, 4 while it is split: a canary has 25 % at least' },
  ]);
  expect(await inspectServing(worker, { ...site.placement, gateway })).toMatchObject([
    { ok: true, detail: `all 14 that releases need in ${namespace}` },
    { ok: true, detail: 'by HTTPRoutes of the Gateway gateways/public' },
  ]);

  const asked = new Set<string>();
  for (const placed of [{}, { gateway }]) {
    const host = site.makeHost(
      placed,
      { lookEveryMs: 100, settleMs: placed.gateway ? 300 : 60_000 },
      noting(worker, asked),
    );
    const endpoint = site.makeEndpoint();
    for (const release of ['1', '2'].map((version) => releaseOf(version, { endpoint }))) {
      await host.prepare(release, trial);
      const set = host.setTraffic(endpoint, [{ release, percent: 100 }]);
      // No controller takes the route; that it was written is enough.
      await (placed.gateway ? expect(set).rejects.toThrow('has not taken the route') : set);
    }
    if (!placed.gateway) await host.retireIdle(endpoint);
  }
  // That one Jobs need, too.
  expect([...asked].filter((one) => one !== 'pods list').sort()).toEqual(granted.sort());
});

own('what an account may not do is said, with what to do', async () => {
  const [serving] = await inspectServing(await as('nobody', site), site.placement);
  expect(serving).toMatchObject({
    what: 'serving',
    ok: false,
    detail: expect.stringMatching(/deployments create.*horizontalpodautoscalers patch.*endpointslices list/),
    remedy: expect.stringContaining('kubectl apply -k k8s/install'),
  });
});
