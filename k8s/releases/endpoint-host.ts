import type { V1Pod } from '@kubernetes/client-node';
import { releaseName } from '../../domain/names.ts';
import {
  releaseId,
  SmokeTestError,
  type ChatAnswer,
  type EndpointHost,
  type Release,
  type Share,
} from '../../domain/endpoint/release.ts';
import { replicasFor } from '../../domain/endpoint/replicas.ts';
import type { Cluster } from '../client.ts';
import { chatWith, isReady, observationsOf, type Fetch } from './release-proxies.ts';
import { createGatewayApiRouting, servesGateways } from './gateway-api-routing.ts';
import type { ReleasePlacement } from '../manifests/release-placement.ts';
import { labels, releaseLabels, servedNameOf } from '../names.ts';
import { releaseClocks, Releases, type ReleaseClocks } from './releases.ts';
import { createReplicaRouting } from './replica-routing.ts';
import type { Routing } from './routing.ts';

export interface KubernetesEndpointHostOptions {
  readonly cluster: Cluster;
  readonly placement: ReleasePlacement;
  readonly log: (message: string, fields: Record<string, unknown>) => void;
  /** Reaches pods by their IP addresses. */
  readonly fetch?: Fetch;
  readonly clocks?: ReleaseClocks;
}

const mostObservations = 10_000;
/** A load test sends many requests a second, so the list of pods is cached for this long. */
const podsKeptMs = 2000;

/**
 * Serves releases as Deployments of one namespace, which it or KServe creates. The Service or HTTPRoute that clients
 * reach holds the only record of traffic, so that any worker can continue.
 */
export function createKubernetesEndpointHost({
  cluster,
  placement,
  log,
  fetch = globalThis.fetch,
  clocks = releaseClocks,
}: KubernetesEndpointHostOptions): EndpointHost {
  const releases = new Releases(cluster, placement, clocks);
  const known = new Map<string, { readonly untilMs: number; readonly pods: Promise<V1Pod[]> }>();
  let asked = 0;

  /** Chosen for each call, because the Gateway API may be installed while the worker runs. */
  async function routing(): Promise<Routing> {
    const { namespace, gateway } = placement;
    if (gateway && (await servesGateways(cluster))) return createGatewayApiRouting(cluster, namespace, gateway);
    if (gateway)
      log('the cluster does not serve the Gateway API: traffic is split by replicas', {
        gateway: `${gateway.namespace}/${gateway.name}`,
      });
    return createReplicaRouting(cluster, namespace);
  }

  function readyPodsOf(release: Release): Promise<V1Pod[]> {
    const name = releaseName(release);
    const kept = known.get(name);
    if (kept && performance.now() < kept.untilMs) return kept.pods;
    const pods = releases.pods(releaseLabels(release)).then((all) => all.filter(isReady));
    known.set(name, { untilMs: performance.now() + podsKeptMs, pods });
    pods.catch(() => known.delete(name));
    return pods;
  }

  const ask: EndpointHost['ask'] = async (release, request) => {
    const pods = await readyPodsOf(release);
    const pod = pods[(asked += 1) % pods.length];
    if (!pod) throw new Error(`release ${releaseName(release)} is not prepared`);
    return chatWith(pod, release, request, fetch);
  };

  const endOthers = (endpoint: string, shares: readonly Share[]): Promise<void> =>
    releases.endOthers(endpoint, new Set(shares.map(({ release }) => releaseName(release))));

  return {
    async prepare(release, trial) {
      const route = await routing();
      const { shares } = await route.read(release.endpoint);
      const isServing = shares.some((share) => releaseId(share.release) === releaseId(release));
      if (route.isSharedByAll && shares.length > 1 && !isServing)
        throw new Error(
          `The traffic of ${release.endpoint} is split by replicas: no other release can start until one has all of it.`,
        );
      const deployment = await releases.start(release, trial);
      try {
        await releases.untilAvailable(release, 1);
        await route.open(deployment);
        known.delete(releaseName(release));
        const answer = await ask(release, {
          messages: [{ role: 'user', content: trial.smokePrompt }],
          maxTokens: 16,
        });
        const finding = smokeFinding(answer);
        if (finding)
          throw new SmokeTestError(
            `Version ${release.version} of ${release.model} did not pass its smoke test: ${finding} The endpoint ${release.endpoint} serves what it served before.`,
          );
      } catch (error) {
        if (error instanceof SmokeTestError && !isServing) await releases.end(deployment);
        throw error;
      }
    },

    async setTraffic(endpoint, shares) {
      refuseUneven(shares);
      const route = await routing();
      const before = await route.read(endpoint);
      const deployments = new Map(
        (await releases.list(endpoint)).map((deployment) => [servedNameOf(deployment), deployment]),
      );
      const replicasNow = (release: Release): number => deployments.get(releaseName(release))?.spec?.replicas ?? 0;
      const prepared = shares.map((share) => {
        const deployment = deployments.get(releaseName(share.release));
        if (!deployment?.status?.availableReplicas)
          throw new Error(`release ${releaseName(share.release)} is not prepared`);
        return { share, deployment };
      });
      for (const { deployment } of prepared) await route.open(deployment);
      if (route.isSharedByAll && shares.length > 1) await endOthers(endpoint, shares);

      const serving = before.shares.reduce((sum, { release }) => sum + replicasNow(release), 0);
      const bounds = route.boundsOf(shares, placement.replicas);
      const plans = prepared.map(({ share, deployment }, index) => {
        const its = bounds[index] ?? placement.replicas;
        return {
          release: share.release,
          deployment,
          bounds: its,
          replicas: replicasFor(share, its, serving, replicasNow(share.release)),
        };
      });
      // A release that gets more traffic is scaled up before, and one that gets less is scaled down after the change. A
      // return to the release that had all traffic skips the wait: clients must leave a bad release without waiting for
      // a model to load.
      const [only, ...more] = plans;
      const isWayBack = only !== undefined && more.length === 0 && releaseId(only.release) === before.settled;
      if (!isWayBack) {
        await Promise.all(
          plans
            .filter(({ release, replicas }) => replicas > replicasNow(release))
            .map((plan) => releases.scale(plan.deployment, plan.bounds, plan.replicas)),
        );
        await Promise.all(plans.map(({ release, replicas }) => releases.untilAvailable(release, replicas)));
      }
      await route.write(endpoint, shares, before);
      await Promise.all(plans.map((plan) => releases.scale(plan.deployment, plan.bounds, plan.replicas)));
      const seen = more.length > 0 ? bounds : bounds.map(({ most }) => ({ least: 1, most }));
      await releases.until(`The endpoint ${endpoint} does not show its new traffic`, clocks.settleMs, () =>
        route.missing(endpoint, shares, seen),
      );
      return { url: route.urlOf(endpoint), shares };
    },

    async traffic(endpoint) {
      const route = await routing();
      const [{ shares }, deployments] = await Promise.all([route.read(endpoint), releases.list(endpoint)]);
      const there = new Set(deployments.map(servedNameOf));
      // A release that somebody deleted is not served, even if the record names it. It must be prepared again.
      return { url: route.urlOf(endpoint), shares: shares.filter(({ release }) => there.has(releaseName(release))) };
    },

    ask,

    async observe(endpoint, sinceMs) {
      // Includes pods that are ending, because they still answer.
      const pods = (await releases.pods({ [labels.endpoint]: endpoint })).filter(
        ({ status }) => status?.phase === 'Running' && status.podIP !== undefined,
      );
      const told = await Promise.allSettled(pods.map((pod) => observationsOf(pod, sinceMs, fetch)));
      const failed = told.filter((one) => one.status === 'rejected');
      const [first] = failed;
      if (first && failed.length === pods.length) throw first.reason;
      for (const { reason } of failed)
        log('could not read the observations of a pod', { endpoint, error: String(reason) });
      return told
        .flatMap((one) => (one.status === 'fulfilled' ? one.value : []))
        .sort((a, b) => a.atMs - b.atMs)
        .slice(-mostObservations);
    },

    async retireIdle(endpoint) {
      const { shares } = await (await routing()).read(endpoint);
      await endOthers(endpoint, shares);
    },
  };
}

function refuseUneven(shares: readonly Share[]): void {
  const sum = shares.reduce((total, { percent }) => total + percent, 0);
  if ((sum !== 100 && shares.length > 0) || shares.some(({ percent }) => !Number.isInteger(percent) || percent <= 0))
    throw new Error(
      `shares: expected whole percents above 0, 100 in all, got ${shares.map(({ percent }) => percent).join(' + ')}.`,
    );
}

/** Undefined if the release passed its smoke test. */
function smokeFinding({ status, text }: ChatAnswer): string | undefined {
  if (status === 0) return 'it could not be asked.';
  if (status !== 200) return `it answered ${status}.`;
  return text.trim() === '' ? 'its answer was empty.' : undefined;
}
