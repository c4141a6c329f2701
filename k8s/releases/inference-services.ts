import { setTimeout as delay } from 'node:timers/promises';
import type { CustomObjectsApi, V1Deployment, V1OwnerReference } from '@kubernetes/client-node';
import type { Release, Trial } from '../../domain/endpoint/release.ts';
import { statusOf, unlessMissing } from '../client.ts';
import { inferenceServiceManifest, type InferenceService } from '../manifests/inference-service.ts';
import { inferenceServiceApi, inferenceServiceOf } from '../manifests/release-metadata.ts';
import type { ReleasePlacement } from '../manifests/release-placement.ts';
import { labels, servedBy } from '../names.ts';

const plural = 'inferenceservices';

/** KServe's controller makes a Deployment in the blink of an eye; an activity that waits for longer is tried again, and says why. */
const madeWithinMs = 20_000;

/** Where KServe was chosen and is not there. */
export const kserveMissing = {
  detail: `the cluster does not serve ${inferenceServiceApi.group}/${inferenceServiceApi.version}`,
  remedy: 'install KServe, or unset TUNELINE_SERVING: each release is then a Deployment of its own',
} as const;

/** Whether the cluster has KServe. Rejects where the answer was neither yes nor no. */
export const servesInferenceServices = async (custom: Pick<CustomObjectsApi, 'getAPIResources'>): Promise<boolean> =>
  (await custom.getAPIResources(inferenceServiceApi).catch(unlessMissing)) !== undefined;

/** Of what was there by its name when it was to be made, and is on its way out. */
export const goneAtStart = (name: string): Error =>
  new Error(`${name} was there and is gone; it is made at the next attempt.`);

type Reference = Pick<V1OwnerReference, 'name' | 'uid'>;
type Custom = Pick<
  CustomObjectsApi,
  'getAPIResources' | 'createNamespacedCustomObject' | 'listNamespacedCustomObject' | 'deleteNamespacedCustomObject'
>;

/** The InferenceServices of a namespace's releases, whose Deployments are looked after as all others are. */
export class InferenceServices {
  readonly #custom: Custom;
  readonly #placement: ReleasePlacement;
  readonly #madeWithinMs: number;

  constructor(custom: Custom, placement: ReleasePlacement, waitMs = madeWithinMs) {
    this.#custom = custom;
    this.#placement = placement;
    this.#madeWithinMs = waitMs;
  }

  /** Makes it, unless it is there, and waits for its Deployment. Rejects before anything is made where the cluster has no KServe. */
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
      // One that KServe made late, of another of this name that is gone, goes as well.
      if (deployment && inferenceServiceOf(deployment)?.uid === service.metadata.uid) return deployment;
      if (patience.aborted)
        throw new Error(
          `InferenceService ${name} has no Deployment after ${this.#madeWithinMs / 1000} s: ${complaintOf(service) ?? "KServe's controller says nothing"}; "kubectl -n ${this.#placement.namespace} describe inferenceservice ${name}" may say more.`,
        );
      await delay(pauseMs);
    }
  }

  /** Those of an endpoint, also where they have no Deployment; none where there is no KServe. */
  list = (endpoint: string): Promise<readonly InferenceService[]> =>
    this.#list({ labelSelector: `${labels.managedBy}=${servedBy},${labels.endpoint}=${endpoint}` });

  /** Its Deployment and pods go first. */
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

  /** Whether it is there, and nobody has told it to go. */
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

/** What KServe says is wrong. */
const complaintOf = ({ status }: InferenceService): string | undefined =>
  status?.conditions?.find((c) => c.status === 'False' && c.message)?.message;
