import { setTimeout as delay } from 'node:timers/promises';
import {
  PatchStrategy,
  setHeaderOptions,
  type KubernetesObject,
  type V1Deployment,
  type V1Pod,
} from '@kubernetes/client-node';
import { releaseName } from '../../domain/names.ts';
import { SmokeTestError, type Release, type Trial } from '../../domain/endpoint/release.ts';
import type { ReplicaBounds } from '../../domain/endpoint/replicas.ts';
import { statusOf, unlessMissing, type Cluster } from '../client.ts';
import { goneAtStart, InferenceServices } from './inference-services.ts';
import {
  autoscalerManifest,
  deploymentManifest,
  disruptionBudgetManifest,
  progressSeconds,
} from '../manifests/release.ts';
import { inferenceServiceOf } from '../manifests/release-metadata.ts';
import type { ReleasePlacement } from '../manifests/release-placement.ts';
import { labels, releaseLabels, servedBy, servedNameOf } from '../names.ts';
import { classifyRelease } from './release-state.ts';

export interface ReleaseClocks {
  readonly lookEveryMs: number;
  /** The longest wait for the endpoint to show its new shares, and for an ended pod to disappear. */
  readonly settleMs: number;
}

/** Loading takes minutes, so a delay of two seconds does not matter. */
export const releaseClocks: ReleaseClocks = { lookEveryMs: 2000, settleMs: 300_000 };

const mergePatch = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);

/** Ignores that the object exists already: an earlier attempt created it and then failed. */
const unlessThere = (error: unknown): undefined => {
  if (statusOf(error) !== 409) throw error;
};

type ServingCluster = Pick<Cluster, 'apps' | 'autoscaling' | 'policy' | 'core' | 'custom'>;

/**
 * The Deployments of a namespace's releases, each with its autoscaler and disruption budget. The settings decide
 * whether KServe creates a new one. An existing Deployment itself shows whether KServe created it.
 */
export class Releases {
  readonly #cluster: ServingCluster;
  readonly #services: InferenceServices;
  readonly #placement: ReleasePlacement;
  readonly #clocks: ReleaseClocks;

  constructor(cluster: ServingCluster, placement: ReleasePlacement, clocks: ReleaseClocks) {
    this.#cluster = cluster;
    this.#services = new InferenceServices(cluster.custom, placement);
    this.#placement = placement;
    this.#clocks = clocks;
  }

  /** Idempotent: an existing Deployment stays unchanged. */
  async start(release: Release, trial: Trial): Promise<V1Deployment> {
    const { autoscaling, policy } = this.#cluster;
    const { namespace } = this.#placement;
    const found = await this.find(release);
    const service = found && inferenceServiceOf(found);
    // The InferenceService is marked for deletion before its Deployment is.
    if (service && !(await this.#services.isStaying(service))) throw goneAtStart(service.name);
    const deployment = found ?? (await this.#make(release, trial));
    await policy
      .createNamespacedPodDisruptionBudget({ namespace, body: disruptionBudgetManifest(deployment) })
      .catch(unlessThere);
    // One replica is enough until it has traffic, whatever its load.
    await autoscaling
      .createNamespacedHorizontalPodAutoscaler({
        namespace,
        body: autoscalerManifest(deployment, { least: 1, most: 1 }, this.#placement),
      })
      .catch(unlessThere);
    return deployment;
  }

  async #make(release: Release, trial: Trial): Promise<V1Deployment> {
    const { kserve, namespace } = this.#placement;
    if (kserve) return this.#services.create(release, trial, () => this.find(release));
    const body = deploymentManifest(release, trial, this.#placement);
    const deployment =
      (await this.#cluster.apps.createNamespacedDeployment({ namespace, body }).catch(unlessThere)) ??
      (await this.find(release));
    if (!deployment) throw goneAtStart(releaseName(release));
    return deployment;
  }

  /** Lists those of an endpoint that are not being deleted. */
  async list(endpoint: string): Promise<V1Deployment[]> {
    const { items } = await this.#cluster.apps.listNamespacedDeployment({
      namespace: this.#placement.namespace,
      labelSelector: `${labels.managedBy}=${servedBy},${labels.endpoint}=${endpoint}`,
    });
    return items.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
  }

  find = async (release: Release): Promise<V1Deployment | undefined> =>
    (await this.list(release.endpoint)).find((deployment) => servedNameOf(deployment) === releaseName(release));

  async pods(selector: Readonly<Record<string, string>>): Promise<V1Pod[]> {
    const labelSelector = Object.entries(selector)
      .map((pair) => pair.join('='))
      .join(',');
    return (await this.#cluster.core.listNamespacedPod({ namespace: this.#placement.namespace, labelSelector })).items;
  }

  /** Resolves once this many replicas are available. Rejects with a `SmokeTestError` if the program keeps ending. */
  async untilAvailable(release: Release, replicas: number): Promise<void> {
    await this.until(
      `Version ${release.version} of ${release.model} does not come up`,
      (progressSeconds + 60) * 1000,
      async () => {
        const [deployment, pods] = await Promise.all([this.find(release), this.pods(releaseLabels(release))]);
        if (!deployment) throw new Error(`${releaseName(release)} was deleted while it started.`);
        const state = classifyRelease(deployment, pods, replicas, Date.now());
        if (state.kind === 'broken')
          throw new SmokeTestError(
            `Version ${release.version} of ${release.model} did not pass its smoke test: ${state.detail}`,
          );
        if (state.kind === 'stuck')
          throw new Error(`Version ${release.version} of ${release.model} does not come up: ${state.detail}`);
        return state.kind === 'available' ? undefined : state.detail;
      },
    );
  }

  /** Sets the bounds first, so that the autoscaler does not undo the replica count. */
  async scale(deployment: V1Deployment, { least, most }: ReplicaBounds, replicas: number): Promise<void> {
    const { namespace } = this.#placement;
    await this.#cluster.autoscaling.patchNamespacedHorizontalPodAutoscaler(
      { namespace, name: servedNameOf(deployment), body: { spec: { minReplicas: least, maxReplicas: most } } },
      mergePatch,
    );
    await this.#cluster.apps.patchNamespacedDeployment(
      { namespace, name: deployment.metadata?.name ?? '', body: { spec: { replicas } } },
      mergePatch,
    );
  }

  /** Ends all releases of an endpoint except those with these names. */
  async endOthers(endpoint: string, kept: ReadonlySet<string>): Promise<void> {
    const isOther = (object: KubernetesObject): boolean => !kept.has(servedNameOf(object));
    await Promise.all((await this.list(endpoint)).filter(isOther).map((deployment) => this.end(deployment)));
    // Includes an InferenceService without a Deployment.
    const services = this.#placement.kserve ? await this.#services.list(endpoint) : [];
    await Promise.all(
      services.filter(isOther).map(({ metadata: { name = '', uid = '' } }) => this.#endService({ name, uid })),
    );
  }

  /** Resolves once the pods are gone. They answer their open requests first. */
  async end(deployment: V1Deployment): Promise<void> {
    const service = inferenceServiceOf(deployment);
    if (service) return this.#endService(service);
    const { name = '', uid } = deployment.metadata ?? {};
    const asked = { namespace: this.#placement.namespace, name };
    const body = { propagationPolicy: 'Foreground', preconditions: { uid } };
    await this.#cluster.apps.deleteNamespacedDeployment({ ...asked, body }).catch(unlessMissing);
    await this.until(`${name} does not go`, this.#clocks.settleMs, async () => {
      const { items } = await this.#cluster.apps.listNamespacedDeployment({
        namespace: asked.namespace,
        fieldSelector: `metadata.name=${name}`,
      });
      return items.some((item) => item.metadata?.uid === uid) ? 'it still has pods' : undefined;
    });
  }

  async #endService(service: Parameters<InferenceServices['remove']>[0]): Promise<void> {
    await this.#services.remove(service);
    await this.until(`InferenceService ${service.name} does not go`, this.#clocks.settleMs, async () =>
      (await this.#services.isThere(service)) ? "it still has pods, or KServe's controller does not run" : undefined,
    );
  }

  /** Polls until nothing is missing. After the time limit it rejects with what is still missing. */
  async until(failure: string, withinMs: number, missing: () => Promise<string | undefined>): Promise<void> {
    const overMs = performance.now() + withinMs;
    for (let still = await missing(); still !== undefined; still = await missing()) {
      if (performance.now() > overMs) throw new Error(`${failure}: ${still}`);
      await delay(this.#clocks.lookEveryMs);
    }
  }
}
