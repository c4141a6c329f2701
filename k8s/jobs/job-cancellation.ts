import { setTimeout as delay } from 'node:timers/promises';
import type { BatchV1Api, V1Job } from '@kubernetes/client-node';
import type { CancelCause } from '../../domain/job/job.ts';
import { cancelledOf, classifyJob, isBarred, isLive } from './classify.ts';
import { statusOf } from '../client.ts';
import type { ClusterJobs } from './cluster-jobs.ts';
import { mergePatch } from './job-kinds.ts';
import { annotations } from '../names.ts';

export interface JobCancellationOptions {
  readonly batch: Pick<BatchV1Api, 'patchNamespacedJob'>;
  readonly namespace: string;
  readonly clusterJobs: ClusterJobs;
  readonly firstPauseMs: number;
}

/** A cancelled pod ends within its grace period, so a look every two seconds is soon enough. */
const longestPauseMs = 2000;

/** Ends Jobs. Each Job holds the cause in an annotation before anything of it is killed. */
export class JobCancellation {
  readonly #options: JobCancellationOptions;

  constructor(options: JobCancellationOptions) {
    this.#options = options;
  }

  /** Resolves once the Job has ended, or is gone. Idempotent: the first cause stays. */
  async cancel(name: string, cause: CancelCause, reason: string): Promise<void> {
    const { clusterJobs, firstPauseMs } = this.#options;
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      const [job, pods] = await Promise.all([clusterJobs.read(name), clusterJobs.podsOf(name)]);
      if (job && classifyJob(job, pods).phase === 'finished') return;
      if (!job && !pods.some(isLive) && !(await this.#deleteCreators(name))) return;
      if (job && !isEnding(job)) await this.#mark(job, cause, reason);
      await delay(pauseMs);
    }
  }

  /**
   * Ends a Job that a controller created in place of a deleted one: the person who deleted the Job wanted it to end.
   */
  async endReplacement(job: V1Job): Promise<void> {
    if (cancelledOf(job) || (await this.#options.clusterJobs.kindOf(job).isOriginal(job))) return;
    await this.#mark(
      job,
      'Deleted',
      'The Job was deleted from outside before it ended, so the one that JobSet made in its place was ended, too.',
    );
  }

  /** Deletes everything that could still create the Job. True if there was anything. */
  async #deleteCreators(name: string): Promise<boolean> {
    for (const kind of this.#options.clusterJobs.kindsFor(name)) if (await kind.deleteCreator(name)) return true;
    return false;
  }

  /** Writes the cause. From then on the Job controller creates no pod of the Job, and ends those that run. */
  async #mark(job: V1Job, cause: CancelCause, reason: string): Promise<void> {
    const { batch, namespace } = this.#options;
    const { name = '', resourceVersion } = job.metadata ?? {};
    const cancelled = JSON.stringify(cancelledOf(job) ?? { cause, reason });
    const body = {
      metadata: { resourceVersion, annotations: { [annotations.cancelled]: cancelled } },
      spec: endingSpec(job),
    };
    await batch.patchNamespacedJob({ namespace, name, body }, mergePatch).catch(unlessChanged);
  }
}

/**
 * A deadline that has passed ends a running Job for good. A Job that does not run has no clock, so it is suspended.
 * Kueue may still admit it later; with `parallelism: 0` it then gets no pod.
 */
function endingSpec({ status, spec }: V1Job) {
  const isStarted = status?.startTime !== undefined && spec?.suspend !== true;
  return isStarted ? { activeDeadlineSeconds: 1 } : { suspend: true, parallelism: 0 };
}

/** Kueue may suspend a Job again before its new deadline ends it. Such a Job has to be barred as well. */
const isEnding = (job: V1Job): boolean =>
  cancelledOf(job) !== undefined && (job.spec?.suspend !== true || isBarred(job));

/** The Job changed meanwhile, or is gone: the caller looks again. */
const unlessChanged = (error: unknown): undefined => {
  if (statusOf(error) !== 409 && statusOf(error) !== 404) throw error;
};
