import type { BatchV1Api, CoreV1Api, V1Job, V1Pod } from '@kubernetes/client-node';
import { unlessMissing } from '../client.ts';
import type { JobKind } from './job-kinds.ts';
import type { JobSets } from './job-sets.ts';
import { isOfSet } from '../manifests/job-set.ts';
import type { Mirrors } from './mirrors.ts';
import { jobNameLabel, jobOf, labels } from '../names.ts';
import { shareReads } from './shared-reads.ts';
import type { SingleJobs } from './single-jobs.ts';

export interface ClusterJobsOptions {
  readonly batch: Pick<BatchV1Api, 'readNamespacedJob'>;
  readonly core: Pick<CoreV1Api, 'listNamespacedPod'>;
  readonly namespace: string;
  readonly jobs: Mirrors['jobs'];
  readonly single: SingleJobs;
  readonly sets: JobSets;
}

/** Finds the Job and the pods of a request, whichever kind it has. */
export class ClusterJobs {
  readonly #options: ClusterJobsOptions;
  readonly #listPods: (name: string) => Promise<Map<string | undefined, V1Pod[]>>;

  constructor(options: ClusterJobsOptions) {
    this.#options = options;
    const { core, namespace, single, sets } = options;
    this.#listPods = shareReads(async (names) => {
      const jobNames = names.flatMap((name) => [single.jobNameOf(name), sets.jobNameOf(name)]);
      const labelSelector = `${jobNameLabel} in (${jobNames.join(',')})`;
      return Map.groupBy((await core.listNamespacedPod({ namespace, labelSelector })).items, jobOf);
    });
  }

  kindOf(job: V1Job): JobKind {
    return isOfSet(job) ? this.#options.sets : this.#options.single;
  }

  /** The kinds to look under for a name. The likely one comes first, so that one request is mostly enough. */
  kindsFor(name: string): readonly JobKind[] {
    const { single, sets, jobs } = this.#options;
    return jobs.get(sets.jobNameOf(name)) ? [sets, single] : [single, sets];
  }

  /** The objects, other than pods, whose events belong to the Job. */
  objectsOf(name: string) {
    return this.kindsFor(name)[0]?.objectsOf(name) ?? [];
  }

  /** The copy that the watch has brought. Sends no request. */
  copy(name: string): V1Job | undefined {
    const { jobs } = this.#options;
    return this.kindsFor(name)
      .map((kind) => jobs.get(kind.jobNameOf(name)))
      .find((job) => job !== undefined);
  }

  isCopyOpen(name: string): boolean {
    return isOpen(this.copy(name));
  }

  async read(name: string): Promise<V1Job | undefined> {
    const { batch, namespace } = this.#options;
    for (const kind of this.kindsFor(name)) {
      const job = await batch.readNamespacedJob({ namespace, name: kind.jobNameOf(name) }).catch(unlessMissing);
      if (job) return job;
    }
    return undefined;
  }

  async podsOf(name: string): Promise<V1Pod[]> {
    return (await this.#listPods(name)).get(name) ?? [];
  }
}

/** True if the end of the Job is not reported yet. */
export const isOpen = (job: V1Job | undefined): boolean => job?.metadata?.labels?.[labels.open] !== undefined;
