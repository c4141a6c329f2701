import { KubeConfig, type V1Deployment, type V1Pod } from '@kubernetes/client-node';
import { type EndpointHost, type Observation, type Release, releaseId } from '../../../domain/endpoint/release.ts';
import { releaseProxyRoutes } from '../../../domain/endpoint/release-proxy-settings.ts';
import { endpointName } from '../../../domain/names.ts';
import { connectCluster, unlessMissing, type Cluster as Connection } from '../../../k8s/client.ts';
import { createKubernetesEndpointHost } from '../../../k8s/releases/endpoint-host.ts';
import type { Fetch } from '../../../k8s/releases/release-proxies.ts';
import type { ReleasePlacement } from '../../../k8s/manifests/release-placement.ts';
import type { ReleaseClocks } from '../../../k8s/releases/releases.ts';
import { answerOf, type HostHarness } from '../../contract/endpoint-host.ts';
import { until } from '../../support/until.ts';
import { inferenceServiceApi } from '../../../k8s/manifests/release-metadata.ts';
import { sharedCluster, startCluster } from './cluster.ts';
import { makeNamespaceWithClaim } from './storage.ts';

export const report = (message: string): void => void process.stderr.write(`${message}\n`);

/** A namespace of a cluster in which releases can be served by pods that are simulated. */
export interface ServingSite {
  readonly connection: Connection;
  readonly placement: ReleasePlacement;
  makeHost(more?: Partial<ReleasePlacement>, clocks?: ReleaseClocks, through?: Connection): EndpointHost;
  /** A name that nobody has used. */
  makeEndpoint(): string;
  podsOf(endpoint: string): Promise<V1Pod[]>;
  deploymentsOf(endpoint: string): Promise<V1Deployment[]>;
  /** How many pods of each version get requests through what clients reach. */
  behind(endpoint: string): Promise<Record<string, number>>;
  /** When a pod, by its name, saw its only request. */
  readonly observed: Map<string, number>;
  /** Ends all releases: what one test leaves would take the next one's GPUs. */
  clear(): Promise<void>;
  stop(): Promise<void>;
}

const releaseOfPod = (pod: V1Pod | undefined): Release | undefined => {
  const settings = pod?.spec?.containers[0]?.env?.find(({ name }) => name === 'TUNELINE_RELEASE_PROXY')?.value;
  return settings === undefined ? undefined : (JSON.parse(settings) as { release: Release }).release;
};

export const releaseOfDeployment = ({ metadata }: V1Deployment): Release =>
  JSON.parse(metadata?.annotations?.['tuneline.dev/release'] ?? '') as Release;

/** The endpoint of a site, as the contract of endpoint hosts takes it. */
export const hostHarness = (site: ServingSite, endpoint = site.makeEndpoint()): HostHarness => ({
  host: site.makeHost(),
  successor: () => site.makeHost(),
  endpoint,
  running: async () =>
    (await site.deploymentsOf(endpoint))
      .filter(({ metadata }) => !metadata?.deletionTimestamp)
      .map((deployment) => releaseOfDeployment(deployment).version),
  close: () => Promise.resolve(),
});

/** With `kserve` the cluster has it, and hosts leave releases to it; with `isShared` other suites use the cluster, too. */
export async function startServing(namespace: string, { kserve = false, isShared = false } = {}): Promise<ServingSite> {
  const cluster = await (isShared ? sharedCluster(report) : startCluster({ report, withKserve: kserve }));
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromFile(cluster.kubeconfigPath);
  const connection = connectCluster(kubeConfig);
  const { core, apps } = connection;
  await makeNamespaceWithClaim(core, { namespace, claim: 'storage', folder: '/storage' });

  const observed = new Map<string, number>();
  /** Stands in for the release proxies: nothing listens at the addresses of these pods. */
  const askReleaseProxy: Fetch = async (address) => {
    const { hostname, pathname, searchParams } = new URL(address);
    const pod = (await core.listNamespacedPod({ namespace })).items.find(({ status }) => status?.podIP === hostname);
    const release = releaseOfPod(pod);
    if (!release) throw new Error(`nobody has the address ${hostname}`);
    if (pathname === releaseProxyRoutes.chat)
      return Response.json({
        choices: [{ message: { content: answerOf(release.version) } }],
        usage: { completion_tokens: 3 },
      });
    const atMs = observed.get(pod?.metadata?.name ?? '');
    const seen: Partial<Observation>[] =
      atMs === undefined || atMs < Number(searchParams.get('since')) ? [] : [{ release: releaseId(release), atMs }];
    return Response.json(seen);
  };

  const placement: ReleasePlacement = {
    ...{
      namespace,
      image: 'engine@sha256:0',
      command: ['engine'],
      cpu: '1',
      releaseProxyImage: 'release-proxy@sha256:0',
      releaseProxyEnv: {},
      gpus: 1,
      userId: 10_001,
    },
    storage: { claim: 'storage', mounts: [{ mountPath: '/store', subPath: 'store' }] },
    replicas: { least: 1, most: 4 },
    ...(kserve ? { kserve } : {}),
  };
  const podsOf = async (endpoint: string): Promise<V1Pod[]> =>
    (await core.listNamespacedPod({ namespace, labelSelector: `tuneline.dev/endpoint=${endpoint}` })).items;
  let made = 0;
  return {
    connection,
    placement,
    observed,
    makeHost: (more = {}, clocks = { lookEveryMs: 100, settleMs: 60_000 }, through = connection) =>
      createKubernetesEndpointHost({
        cluster: through,
        placement: { ...placement, ...more },
        log: report,
        fetch: askReleaseProxy,
        clocks,
      }),
    makeEndpoint: () => `endpoint-${(made += 1)}`,
    podsOf,
    deploymentsOf: async (endpoint) =>
      (await apps.listNamespacedDeployment({ namespace, labelSelector: `tuneline.dev/endpoint=${endpoint}` })).items,
    async behind(endpoint) {
      const slices = await connection.discovery.listNamespacedEndpointSlice({
        namespace,
        labelSelector: `kubernetes.io/service-name=${endpointName(endpoint)}`,
      });
      const pods = new Map((await podsOf(endpoint)).map((pod) => [pod.metadata?.name, pod]));
      const counts: Record<string, number> = {};
      for (const { conditions, targetRef } of slices.items.flatMap(({ endpoints = [] }) => endpoints)) {
        const version = releaseOfPod(pods.get(targetRef?.name))?.version ?? 'unknown';
        if (conditions?.ready) counts[version] = (counts[version] ?? 0) + 1;
      }
      return counts;
    },
    async clear() {
      if (kserve)
        await connection.custom.deleteCollectionNamespacedCustomObject({
          ...inferenceServiceApi,
          plural: 'inferenceservices',
          namespace,
        });
      for (const { metadata } of (await apps.listNamespacedDeployment({ namespace })).items)
        await apps.deleteNamespacedDeployment({ namespace, name: metadata?.name ?? '' }).catch(unlessMissing);
      await until(async () => (await core.listNamespacedPod({ namespace })).items.length === 0);
    },
    stop: () => cluster.stop(),
  };
}
