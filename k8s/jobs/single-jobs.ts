import type { BatchV1Api, CoreV1Api, V1Job } from '@kubernetes/client-node';
import type { JobOwner, JobRequest } from '../../domain/job/job.ts';
import { statusOf, unlessMissing } from '../client.ts';
import { closedLabels, mergePatch, openPatch, type JobKind, type ObjectName } from './job-kinds.ts';
import { jobManifest, type JobPlacement } from '../manifests/job.ts';
import { serviceManifest } from '../manifests/service.ts';

export interface SingleJobsOptions {
  readonly batch: Pick<BatchV1Api, 'createNamespacedJob' | 'patchNamespacedJob' | 'deleteNamespacedJob'>;
  readonly core: Pick<CoreV1Api, 'createNamespacedService'>;
  readonly placement: JobPlacement;
}

/** Jobs that the runner creates itself. On several nodes each has a Service beside it, which the Job owns. */
export class SingleJobs implements JobKind {
  readonly #options: SingleJobsOptions;

  constructor(options: SingleJobsOptions) {
    this.#options = options;
  }

  jobNameOf(name: string): string {
    return name;
  }

  objectsOf(name: string): readonly ObjectName[] {
    return [{ kind: 'Job', name }];
  }

  async create(request: JobRequest): Promise<V1Job | undefined> {
    const { batch, placement } = this.#options;
    const body = jobManifest(request, placement);
    const job = await batch.createNamespacedJob({ namespace: placement.namespace, body }).catch(unlessTaken);
    if (job) await this.createCompanions(job);
    return job;
  }

  async createCompanions(job: V1Job): Promise<void> {
    const { core, placement } = this.#options;
    const body = serviceManifest(job);
    if (body) await core.createNamespacedService({ namespace: placement.namespace, body }).catch(unlessTaken);
  }

  waitForJob(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  isOriginal(): Promise<boolean> {
    return Promise.resolve(true);
  }

  isKnownOriginal(): boolean {
    return true;
  }

  reopen(job: V1Job, owner: JobOwner): Promise<V1Job> {
    return this.#patch(job.metadata?.name ?? '', openPatch(owner));
  }

  close(name: string, keptSeconds: number): Promise<V1Job | undefined> {
    const body = { metadata: closedLabels, spec: { ttlSecondsAfterFinished: keptSeconds } };
    return this.#patch(name, body).catch(unlessMissing);
  }

  async delete({ metadata: { name = '', uid } = {} }: V1Job): Promise<void> {
    const { batch, placement } = this.#options;
    const body = { propagationPolicy: 'Foreground', preconditions: uid ? { uid } : {} };
    await batch.deleteNamespacedJob({ namespace: placement.namespace, name, body }).catch(unlessMissing);
  }

  deleteCreator(): Promise<boolean> {
    return Promise.resolve(false);
  }

  #patch(name: string, body: object): Promise<V1Job> {
    const { batch, placement } = this.#options;
    return batch.patchNamespacedJob({ namespace: placement.namespace, name, body }, mergePatch);
  }
}

/** Turns a 409 into undefined. Rethrows every other error. */
const unlessTaken = (error: unknown): undefined => {
  if (statusOf(error) !== 409) throw error;
};
