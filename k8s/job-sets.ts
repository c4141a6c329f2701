import { setTimeout as delay } from 'node:timers/promises';
import { PatchStrategy, setHeaderOptions, type CustomObjectsApi, type V1Job } from '@kubernetes/client-node';
import type { JobRequest } from '../domain/job.ts';
import { statusOf, unlessMissing } from './client.ts';
import type { JobPlacement } from './manifests/job.ts';
import { jobSetApi, jobSetManifest, setNameOf, type JobSet } from './manifests/job-set.ts';
import { annotations, nameOf } from './names.ts';

const plural = 'jobsets';
const mergePatch = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);

/** JobSet's controller makes a Job in the blink of an eye; an activity that waits for longer is tried again, and says why. */
const madeWithinMs = 20_000;

type Custom = Pick<CustomObjectsApi, 'getAPIResources' | 'createNamespacedCustomObject' | 'getNamespacedCustomObject' | 'patchNamespacedCustomObject' | 'deleteNamespacedCustomObject'>;

/** What the runner does with JobSets, whose Jobs it looks after as after all others. */
export class JobSets {
  readonly #custom: Custom;
  readonly #placement: JobPlacement;
  readonly #madeWithinMs: number;
  #served = false;
  /** UIDs of Jobs that were the first of their sets when they were looked at. */
  readonly #first = new Set<string>();

  constructor(custom: Custom, placement: JobPlacement, waitMs = madeWithinMs) {
    this.#custom = custom;
    this.#placement = placement;
    this.#madeWithinMs = waitMs;
  }

  /** Whether the cluster has JobSet. Only a yes is kept: what is not there today may be tomorrow. Rejects where the answer was neither. */
  async served(): Promise<boolean> {
    this.#served ||= (await this.#custom.getAPIResources(jobSetApi).catch(unlessMissing)) !== undefined;
    return this.#served;
  }

  /** Makes the set, unless it is there, and waits for its Job. */
  async create(request: JobRequest, readJob: () => Promise<V1Job | undefined>): Promise<{ readonly job: V1Job; readonly made: boolean }> {
    const made = await this.#custom.createNamespacedCustomObject({ ...this.#where, body: jobSetManifest(request, this.#placement) }).then(
      () => true,
      (error: unknown) => {
        // Taken away since it was asked for: the next attempt asks again.
        if (statusOf(error) === 404) this.#served = false;
        if (statusOf(error) !== 409) throw error;
        return false;
      },
    );
    const patience = AbortSignal.timeout(this.#madeWithinMs);
    for (let pauseMs = 20; ; pauseMs = Math.min(pauseMs * 2, 1000)) {
      const job = await readJob();
      if (job) return { job, made };
      const set = await this.#get(request.name);
      if (!set || isOver(set)) {
        if (set) await this.#remove(set);
        throw new Error(`The Job of JobSet ${setNameOf(request.name)} was there and is gone; it is made at the next attempt.`);
      }
      if (patience.aborted) throw new Error(`JobSet ${setNameOf(request.name)} has made no Job within ${this.#madeWithinMs / 1000} s: does its controller run? "kubectl -n ${this.#placement.namespace} describe jobset ${setNameOf(request.name)}" may say why.`);
      await delay(pauseMs);
    }
  }

  /** Whether a look showed that the Job is its set's first. */
  knows({ metadata }: V1Job): boolean {
    return this.#first.has(metadata?.uid ?? '');
  }

  /**
   * Whether a Job is the only one that its set has made. The controller puts another in the place of one that somebody
   * deleted, under the same name; the set remembers which was the first.
   */
  async isFirst(job: V1Job): Promise<boolean> {
    const { uid = '' } = job.metadata ?? {};
    if (this.knows(job)) return true;
    const name = nameOf(job) ?? '';
    const set = await this.#get(name);
    const first = set?.metadata?.annotations?.[annotations.jobUid];
    if (first && first !== uid) return false;
    if (set && !first) await this.#patch(name, { metadata: { annotations: { [annotations.jobUid]: uid } } });
    this.#first.add(uid);
    return true;
  }

  /** Since when a set is there that is going to make a Job, if one is. */
  async makingSince(name: string): Promise<Date | undefined> {
    const set = await this.#get(name);
    return set && !isOver(set) && !set.metadata?.deletionTimestamp ? new Date(set.metadata?.creationTimestamp ?? 0) : undefined;
  }

  /** How long it stays with its Job once that has ended; null: for as long as it takes. */
  async keepFor(name: string, seconds: number | null): Promise<void> {
    if (await this.#get(name)) await this.#patch(name, { spec: { ttlSecondsAfterFinished: seconds } });
  }

  /** Whether there was one. Its Job and pods go first. */
  async remove(name: string): Promise<boolean> {
    const set = await this.#get(name);
    if (set) await this.#remove(set);
    return set !== undefined;
  }

  /** An account that may not see JobSets has made none. */
  async #get(name: string): Promise<JobSet | undefined> {
    const set = this.#custom.getNamespacedCustomObject({ ...this.#where, name: setNameOf(name) }) as Promise<JobSet>;
    return set.catch((error: unknown) => (statusOf(error) === 403 ? undefined : unlessMissing(error)));
  }

  async #patch(name: string, body: object): Promise<void> {
    await this.#custom.patchNamespacedCustomObject({ ...this.#where, name: setNameOf(name), body }, mergePatch).catch(unlessMissing);
  }

  async #remove({ metadata: { name = '', uid } = {} }: JobSet): Promise<void> {
    // In the body: beside one the API server reads no query.
    await this.#custom.deleteNamespacedCustomObject({ ...this.#where, name, body: { propagationPolicy: 'Foreground', ...(uid ? { preconditions: { uid } } : {}) } }).catch(unlessMissing);
  }

  get #where() {
    return { ...jobSetApi, plural, namespace: this.#placement.namespace };
  }
}

const isOver = ({ status }: JobSet): boolean => status?.conditions?.some((c) => (c.type === 'Completed' || c.type === 'Failed') && c.status === 'True') ?? false;
