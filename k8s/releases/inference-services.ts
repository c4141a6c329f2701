import { setTimeout as delay } from 'node:timers/promises';
import type { CustomObjectsApi, V1Deployment, V1OwnerReference } from '@kubernetes/client-node';
import type { Release, Trial } from '../../domain/endpoint/release.ts';
import { statusOf, unlessMissing } from '../client.ts';
import { inferenceServiceManifest, type InferenceService } from '../manifests/inference-service.ts';
import { inferenceServiceApi, inferenceServiceOf } from '../manifests/release-metadata.ts';
import type { ReleasePlacement } from '../manifests/release-placement.ts';
import { labels, servedBy } from '../names.ts';

const plural = 'inferenceservices';

/**
 * KServe's controller creates a Deployment in less than a second. After this time the activity fails with the reason,
 * and is retried.
 */
const madeWithinMs = 20_000;

/** The finding if KServe was chosen and is not installed. */
export const kserveMissing = {
  detail: `the cluster does not serve ${inferenceServiceApi.group}/${inferenceServiceApi.version}`,
  remedy: 'install KServe, or unset TUNELINE_SERVING: each release is then a Deployment of its own',
} as const;

/** True if the cluster has KServe. Rejects on any answer other than yes or no. */
export const servesInferenceServices = async (custom: Pick<CustomObjectsApi, 'getAPIResources'>): Promise<boolean> =>
  (await custom.getAPIResources(inferenceServiceApi).catch(unlessMissing)) !== undefined;

/** The error if an object of this name existed and is being deleted. The next attempt creates it. */
export const goneAtStart = (name: string): Error =>
  new Error(`${name} was there and is gone; it is made at the next attempt.`);

type Reference = Pick<V1OwnerReference, 'name' | 'uid'>;
type Custom = Pick<
  CustomObjectsApi,
  'getAPIResources' | 'createNamespacedCustomObject' | 'listNamespacedCustomObject' | 'deleteNamespacedCustomObject'
>;

/** The InferenceServices of a namespace's releases. Their Deployments are handled like all others. */
export class InferenceServices {
  readonly #custom: Custom;
  readonly #placement: ReleasePlacement;
  readonly #madeWithinMs: number;

  constructor(custom: Custom, placement: ReleasePlacement, waitMs = madeWithinMs) {
    this.#custom = custom;
    this.#placement = placement;
    this.#madeWithinMs = waitMs;
  }

  /**
   * Idempotent: creates the InferenceService and waits for its Deployment. If the cluster has no KServe, rejects before
   * anything is created.
   */
  async create(release: Release, trial: Trial, find: () => Promise<V1Deployment | undefined>): Promise<V1Deployment> {
    if (!(await servesInferenceServices(this.#custom)))
      throw new Error(`TUNELINE_SERVING: kserve, but ${kserveMissing.detail}; ${kserveMissing.remedy}.`);
    const body = inferenceServiceManifest(release, trial, this.#placement);
    const { name = '' } = body.metadata;
    await this.#custom.createNamespacedCustomObject({ ...this.#where, body }).catch((error: unknown) => {
      if (statusOf(error) !== 409) throw error;
    });
    const patience = AbortSignal.timeout(this.#madeWithinMs);
    for (let pauseMs = 20; ; pauseMs = Math.min(pauseMs * 2, 1000)) {
      const [service, deployment] = await Promise.all([this.#find(name), find()]);
      if (!service || service.metadata.deletionTimestamp) throw goneAtStart(name);
      // Ignores a late Deployment of a deleted InferenceService with the same name.
      if (deployment && inferenceServiceOf(deployment)?.uid === service.metadata.uid) return deployment;
      if (patience.aborted)
        throw new Error(
          `InferenceService ${name} has no Deployment after ${this.#madeWithinMs / 1000} s: ${complaintOf(service) ?? "KServe's controller says nothing"}; "kubectl -n ${this.#placement.namespace} describe inferenceservice ${name}" may say more.`,
        );
      await delay(pauseMs);
    }
  }

  /** Lists those of an endpoint, also those without a Deployment. Empty without KServe. */
  list = (endpoint: string): Promise<readonly InferenceService[]> =>
    this.#list({ labelSelector: `${labels.managedBy}=${servedBy},${labels.endpoint}=${endpoint}` });

  /** Deletes its Deployment and pods first. */
  async remove({ name, uid }: Reference): Promise<void> {
    await this.#custom
      .deleteNamespacedCustomObject({
        ...this.#where,
        name,
        body: { propagationPolicy: 'Foreground', preconditions: { uid } },
      })
      .catch(unlessMissing);
  }

  isThere = async ({ name, uid }: Reference): Promise<boolean> => (await this.#find(name))?.metadata.uid === uid;

  /** True if it exists and is not being deleted. */
  async isStaying({ name, uid }: Reference): Promise<boolean> {
    const service = await this.#find(name);
    return service?.metadata.uid === uid && !service.metadata.deletionTimestamp;
  }

  #find = async (name: string): Promise<InferenceService | undefined> =>
    (await this.#list({ fieldSelector: `metadata.name=${name}` }))[0];

  async #list(
    selector: { readonly labelSelector: string } | { readonly fieldSelector: string },
  ): Promise<readonly InferenceService[]> {
    const found = (await this.#custom
      .listNamespacedCustomObject({ ...this.#where, ...selector })
      .catch(unlessMissing)) as { readonly items: readonly InferenceService[] } | undefined;
    return found?.items ?? [];
  }

  get #where() {
    return { ...inferenceServiceApi, plural, namespace: this.#placement.namespace };
  }
}

/** The failure that KServe reports. */
const complaintOf = ({ status }: InferenceService): string | undefined =>
  status?.conditions?.find((c) => c.status === 'False' && c.message)?.message;
