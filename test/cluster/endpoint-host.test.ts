import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { type EndpointHost, type Release, releaseId } from '../../domain/endpoint/release.ts';
import { releaseName } from '../../domain/names.ts';
import { inspectServing } from '../../k8s/doctor/serving.ts';
import { createReplicaRouting } from '../../k8s/releases/replica-routing.ts';
import { describeEndpointHost } from '../contract/endpoint-host.ts';
import { releaseOf } from '../builders/releases.ts';
import { until } from '../support/until.ts';
import { startTimeoutMs } from './support/cluster.ts';
import { hostHarness, releaseOfDeployment, startServing, type ServingSite } from './support/serving.ts';

const namespace = `serving-${process.pid}`;
let site: ServingSite;
beforeAll(async () => {
  site = await startServing(namespace, { isShared: true });
}, startTimeoutMs);
afterAll(() => site.stop());
afterEach(() => site.clear());

describeEndpointHost('Kubernetes', () => Promise.resolve(hostHarness(site)));

/** Prepares releases of an endpoint, and gives the first all traffic. */
async function serving(host: EndpointHost, versions: readonly string[]) {
  const endpoint = site.makeEndpoint();
  const release = (version: string): Release => releaseOf(version, { endpoint });
  const share = (...percents: readonly number[]) =>
    host.setTraffic(
      endpoint,
      percents.flatMap((percent, index) => (percent > 0 ? [{ release: release(versions[index] ?? ''), percent }] : [])),
    );
  for (const version of versions) {
    await host.prepare(release(version), { smokePrompt: 'hello' });
    if (version === versions[0]) await share(100);
  }
  return { endpoint, release, share };
}

test('the pods behind the one Service are the shares, and neither an autoscaler nor a drain undoes that', async () => {
  const { endpoint, release, share } = await serving(site.makeHost(), ['1', '2']);
  expect(await site.behind(endpoint)).toEqual({ 1: 1 });
  await share(75, 25);
  expect(await site.behind(endpoint)).toEqual({ 1: 3, 2: 1 });

  const scaled = await until(async () => {
    const { items } = await site.connection.autoscaling.listNamespacedHorizontalPodAutoscaler({
      namespace,
      labelSelector: `tuneline.dev/endpoint=${endpoint}`,
    });
    return (
      items.every(({ status }) => (status?.currentReplicas ?? 0) > 0 && (status?.conditions ?? []).length > 0) && items
    );
  });
  const bounds = Object.fromEntries(
    scaled.map(({ metadata, spec }) => [metadata?.name ?? '', [spec?.minReplicas, spec?.maxReplicas]]),
  );
  expect(bounds).toEqual({ [releaseName(release('1'))]: [3, 3], [releaseName(release('2'))]: [1, 1] });
  const [canary] = (await site.podsOf(endpoint)).filter(
    ({ metadata }) => metadata?.labels?.['tuneline.dev/release'] === releaseId(release('2')),
  );
  const name = canary?.metadata?.name ?? '';
  await until(
    async () =>
      (await site.connection.policy.readNamespacedPodDisruptionBudget({ namespace, name: releaseName(release('2')) }))
        .status?.expectedPods === 1,
  );
  await expect(
    site.connection.core.createNamespacedPodEviction({ namespace, name, body: { metadata: { name } } }),
  ).rejects.toMatchObject({ code: 429 });
  expect(await site.behind(endpoint)).toEqual({ 1: 3, 2: 1 });

  await share(50, 50);
  expect(await site.behind(endpoint)).toEqual({ 1: 2, 2: 2 });
  await share(0, 100);
  // As many as carried it before.
  expect(await site.behind(endpoint)).toEqual({ 2: 4 });
});

test('without a word of KServe nobody looks for it; where it is chosen and not there, that is said before anything is made', async () => {
  const noCustom = new Proxy({} as ServingSite['connection']['custom'], {
    get: (_target, name) => expect(String(name)).toBe('never asked for'),
  });
  const incurious = site.makeHost({}, undefined, { ...site.connection, custom: noCustom });
  const plain = await serving(incurious, ['1']);
  await plain.share(100);
  await incurious.retireIdle(plain.endpoint);

  const chosen = { ...site.placement, kserve: true };
  const host = site.makeHost(chosen);
  const endpoint = site.makeEndpoint();
  await expect(host.prepare(releaseOf('1', { endpoint }), { smokePrompt: 'hello' })).rejects.toThrow(
    'TUNELINE_SERVING: kserve, but the cluster does not serve serving.kserve.io/v1beta1; install KServe, or unset TUNELINE_SERVING: each release is then a Deployment of its own.',
  );
  const { autoscaling, core, policy } = site.connection;
  const labelSelector = `tuneline.dev/endpoint=${endpoint}`;
  const made = await Promise.all([
    site.deploymentsOf(endpoint),
    core.listNamespacedService({ namespace, labelSelector }),
    policy.listNamespacedPodDisruptionBudget({ namespace, labelSelector }),
    autoscaling.listNamespacedHorizontalPodAutoscaler({ namespace, labelSelector }),
  ]);
  expect(made).toMatchObject([[], { items: [] }, { items: [] }, { items: [] }]);
  expect(await inspectServing(site.connection, chosen)).toContainEqual({
    what: 'KServe',
    ok: false,
    detail: 'the cluster does not serve serving.kserve.io/v1beta1',
    remedy: 'install KServe, or unset TUNELINE_SERVING: each release is then a Deployment of its own',
  });
  await host.retireIdle(endpoint);
  // What is there goes on.
  await host.prepare(plain.release('1'), { smokePrompt: 'hello' });
});

test('while traffic is split no pod of another release can get any', async () => {
  const host = site.makeHost();
  const { endpoint, release, share } = await serving(host, ['1', '2', '3']);
  await share(75, 25);
  expect(
    (await site.deploymentsOf(endpoint)).map((deployment) => releaseOfDeployment(deployment).version).sort(),
  ).toEqual(['1', '2']);
  await expect(host.prepare(release('3'), { smokePrompt: 'hello' })).rejects.toThrow('split by replicas');
  expect(await site.behind(endpoint)).toEqual({ 1: 3, 2: 1 });
});

test('the way back does not wait until all replicas are there again', async () => {
  const { endpoint, share } = await serving(site.makeHost({ gpus: 4, replicas: { least: 1, most: 3 } }), ['1', '2']);
  await share(50, 50);
  expect(await site.behind(endpoint)).toEqual({ 1: 2, 2: 1 });
  // No room for a third replica.
  const limits = { 'nvidia.com/gpu': '4' };
  const restricted = {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
    runAsNonRoot: true,
    seccompProfile: { type: 'RuntimeDefault' },
  };
  const other = {
    metadata: { name: 'other' },
    spec: { containers: [{ name: 'other', image: 'other', resources: { limits }, securityContext: restricted }] },
  };
  await site.connection.core.createNamespacedPod({ namespace, body: other });
  await until(
    async () =>
      (await site.connection.core.readNamespacedPod({ namespace, name: 'other' })).status?.phase === 'Running',
  );
  await share(100);
  expect(await site.behind(endpoint)).toEqual({ 1: 2 });
  await site.connection.core.deleteNamespacedPod({ namespace, name: 'other' });
});

test('of two writers that saw the same traffic one writes', async () => {
  const { endpoint, release, share } = await serving(site.makeHost(), ['1']);
  const routing = createReplicaRouting(site.connection, namespace);
  const before = await routing.read(endpoint);
  // Also where what it wrote was there before.
  for (const version of ['1', '2']) {
    const read = await routing.read(endpoint);
    await routing.write(endpoint, [{ release: release(version), percent: 100 }], read);
    await expect(routing.write(endpoint, [{ release: release('3'), percent: 100 }], read)).rejects.toThrow(
      'changed by another',
    );
  }
  await expect(routing.write(endpoint, [{ release: release('3'), percent: 100 }], before)).rejects.toThrow(
    'changed by another',
  );
  expect((await routing.read(endpoint)).shares).toMatchObject([{ release: { version: '2' } }]);
  const unknown = site.makeEndpoint();
  for (const [version, outcome] of [
    ['1', 'written'],
    ['2', 'refused'],
  ] as const) {
    const attempt = routing.write(unknown, [{ release: release(version), percent: 100 }], { shares: [] });
    await (outcome === 'written' ? attempt : expect(attempt).rejects.toThrow('changed by another'));
  }
  await share(100);
});

test('a release that somebody deleted has no traffic, and is prepared again', async () => {
  const host = site.makeHost();
  const { endpoint, release, share } = await serving(host, ['1']);
  await site.clear();
  expect((await host.traffic(endpoint)).shares).toEqual([]);
  await host.prepare(release('1'), { smokePrompt: 'hello' });
  await share(100);
  expect(await site.behind(endpoint)).toEqual({ 1: 1 });
});

test('what its pods have seen is told as one, in order', async () => {
  const host = site.makeHost();
  const { endpoint, release, share } = await serving(host, ['1', '2']);
  await share(75, 25);
  for (const [index, pod] of (await site.podsOf(endpoint)).entries())
    site.observed.set(pod.metadata?.name ?? '', 1000 - index);
  expect((await host.observe(endpoint, 0)).map(({ atMs }) => atMs)).toEqual([997, 998, 999, 1000]);
  expect((await host.observe(endpoint, 999)).map(({ atMs }) => atMs)).toEqual([999, 1000]);
  const counts = Map.groupBy(await host.observe(endpoint, 0), ({ release: id }) => id);
  expect(counts.get(releaseId(release('1')))).toHaveLength(3);
});

test.each([[[50, 40]], [[100.5]], [[150, -50]]])('shares of %j are refused', async (percents) => {
  const shares = percents.map((percent, index) => ({ release: releaseOf(String(index)), percent }));
  await expect(site.makeHost().setTraffic('summaries', shares)).rejects.toThrow(
    'expected whole percents above 0, 100 in all',
  );
});
