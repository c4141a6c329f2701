import { setTimeout as delay } from 'node:timers/promises';
import type { BatchV1Api, CustomObjectsApi, V1Job } from '@kubernetes/client-node';
import type { JobOwner, JobRequest, Wait } from '../../domain/job/job.ts';
import { statusOf, unlessMissing } from '../client.ts';
import { closedLabels, mergePatch, openPatch, type JobKind, type ObjectName } from './job-kinds.ts';
import type { JobPlacement } from '../manifests/job.ts';
import { jobNameInSet, jobSetApi, jobSetManifest, setNameOf, type JobSet } from '../manifests/job-set.ts';
import { annotations, nameOf } from '../names.ts';

/**
 * JobSet's controller creates a Job within milliseconds. After this time the activity fails with the reason, and is
 * retried.
 */
const controllerTimeoutMs = 20_000;

type Custom = Pick<
  CustomObjectsApi,
  | 'getAPIResources'
  | 'createNamespacedCustomObject'
  | 'getNamespacedCustomObject'
  | 'patchNamespacedCustomObject'
  | 'deleteNamespacedCustomObject'
>;

export interface JobSetsOptions {
  readonly custom: Custom;
  readonly batch: Pick<BatchV1Api, 'readNamespacedJob' | 'patchNamespacedJob'>;
  readonly placement: JobPlacement;
  readonly timeoutMs?: number | undefined;
}

/** JobSets of one Job each. The Job looks like one that the runner creates itself. */
export class JobSets implements JobKind {
  readonly #options: JobSetsOptions;
  #served = false;
  /** UIDs of Jobs that `isOriginal` has confirmed. */
  readonly #originals = new Set<string>();

  constructor(options: JobSetsOptions) {
    this.#options = options;
  }

  /**
   * True if the cluster has JobSet. Caches only true, because JobSet may be installed later. Rejects on any other
   * answer.
   */
  async isServed(): Promise<boolean> {
    this.#served ||= (await this.#options.custom.getAPIResources(jobSetApi).catch(unlessMissing)) !== undefined;
    return this.#served;
  }

  jobNameOf(name: string): string {
    return jobNameInSet(name);
  }

  objectsOf(name: string): readonly ObjectName[] {
    return [
      { kind: 'JobSet', name: setNameOf(name) },
      { kind: 'Job', name: jobNameInSet(name) },
    ];
  }

  /** Creates the set, and waits for its Job. */
  async create(request: JobRequest): Promise<V1Job | undefined> {
    const isCreated = await this.#createSet(request);
    const job = await this.#untilJob(request.name);
    return isCreated ? job : undefined;
  }

  async createCompanions(): Promise<void> {
    // JobSet's controller creates the Service.
  }

  async waitForJob(name: string): Promise<Wait | undefined> {
    const set = await this.#get(name);
    if (!set || isOver(set) || set.metadata?.deletionTimestamp) return undefined;
    const sinceMs = new Date(set.metadata?.creationTimestamp ?? 0).getTime();
    const message = `Its JobSet ${setNameOf(name)} has no Job; does JobSet's controller run?`;
    return { for: 'start', sinceMs, message };
  }

  /**
   * The controller replaces a deleted Job by one of the same name. An annotation of the set holds the UID of the first.
   */
  async isOriginal(job: V1Job): Promise<boolean> {
    if (this.isKnownOriginal(job)) return true;
    const { uid = '' } = job.metadata ?? {};
    const name = nameOf(job) ?? '';
    const set = await this.#get(name);
    const first = set?.metadata?.annotations?.[annotations.jobUid];
    if (first && first !== uid) return false;
    if (set && !first) await this.#patchSet(name, { metadata: { annotations: { [annotations.jobUid]: uid } } });
    this.#originals.add(uid);
    return true;
  }

  isKnownOriginal({ metadata }: V1Job): boolean {
    return this.#originals.has(metadata?.uid ?? '');
  }

  async reopen(job: V1Job, owner: JobOwner): Promise<V1Job> {
    await this.#keepSet(nameOf(job) ?? '', null);
    return this.#patchJob(job.metadata?.name ?? '', openPatch(owner));
  }

  /** Patches the set first: an open Job leads back to a set that was not patched yet. */
  async close(name: string, keptSeconds: number): Promise<V1Job | undefined> {
    await this.#keepSet(name, keptSeconds);
    return this.#patchJob(jobNameInSet(name), { metadata: closedLabels }).catch(unlessMissing);
  }

  async delete(job: V1Job): Promise<void> {
    await this.deleteCreator(nameOf(job) ?? '');
  }

  async deleteCreator(name: string): Promise<boolean> {
    const set = await this.#get(name);
    if (set) await this.#deleteSet(set);
    return set !== undefined;
  }

  /** Creates the set. False if it exists already. */
  async #createSet(request: JobRequest): Promise<boolean> {
    const { custom, placement } = this.#options;
    try {
      await custom.createNamespacedCustomObject({ ...this.#where, body: jobSetManifest(request, placement) });
      return true;
    } catch (error) {
      // JobSet was uninstalled: the next attempt asks again whether it is served.
      if (statusOf(error) === 404) this.#served = false;
      if (statusOf(error) !== 409) throw error;
      return false;
    }
  }

  async #untilJob(name: string): Promise<V1Job> {
    const { batch, placement, timeoutMs = controllerTimeoutMs } = this.#options;
    const { namespace } = placement;
    const setName = setNameOf(name);
    const timeout = AbortSignal.timeout(timeoutMs);
    for (let pauseMs = 20; ; pauseMs = Math.min(pauseMs * 2, 1000)) {
      const job = await batch.readNamespacedJob({ namespace, name: jobNameInSet(name) }).catch(unlessMissing);
      if (job) return job;
      const set = await this.#get(name);
      if (!set || isOver(set)) {
        if (set) await this.#deleteSet(set);
        throw new Error(`JobSet ${setName} has lost its Job; the next attempt creates both anew.`);
      }
      if (timeout.aborted)
        throw new Error(
          `JobSet ${setName} has created no Job within ${timeoutMs / 1000} s: does JobSet's controller run? ` +
            `"kubectl -n ${namespace} describe jobset ${setName}" may say why.`,
        );
      await delay(pauseMs);
    }
  }

  /** Sets the time that the set stays after its Job has ended. Null: until the runner deletes it. */
  async #keepSet(name: string, seconds: number | null): Promise<void> {
    if (await this.#get(name)) await this.#patchSet(name, { spec: { ttlSecondsAfterFinished: seconds } });
  }

  /** An account that may not read JobSets has created none, so a 403 means that there is none. */
  async #get(name: string): Promise<JobSet | undefined> {
    const set = this.#options.custom.getNamespacedCustomObject({ ...this.#where, name: setNameOf(name) });
    return (set as Promise<JobSet>).catch((error: unknown) =>
      statusOf(error) === 403 ? undefined : unlessMissing(error),
    );
  }

  async #patchSet(name: string, body: object): Promise<void> {
    const patched = { ...this.#where, name: setNameOf(name), body };
    await this.#options.custom.patchNamespacedCustomObject(patched, mergePatch).catch(unlessMissing);
  }

  #patchJob(name: string, body: object): Promise<V1Job> {
    const { batch, placement } = this.#options;
    return batch.patchNamespacedJob({ namespace: placement.namespace, name, body }, mergePatch);
  }

  async #deleteSet({ metadata: { name = '', uid } = {} }: JobSet): Promise<void> {
    // The options go into the body: where there is a body, the API server ignores the query.
    const body = { propagationPolicy: 'Foreground', preconditions: uid ? { uid } : {} };
    await this.#options.custom.deleteNamespacedCustomObject({ ...this.#where, name, body }).catch(unlessMissing);
  }

  get #where() {
    return { ...jobSetApi, plural: 'jobsets', namespace: this.#options.placement.namespace };
  }
}

const isOver = ({ status }: JobSet): boolean =>
  status?.conditions?.some((c) => (c.type === 'Completed' || c.type === 'Failed') && c.status === 'True') ?? false;
