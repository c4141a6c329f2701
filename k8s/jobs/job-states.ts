import type { JobState } from '../../domain/job/job.ts';
import { classifyJob } from './classify.ts';
import { isOpen, type ClusterJobs } from './cluster-jobs.ts';
import type { JobRecords } from './job-record.ts';
import type { JobCancellation } from './job-cancellation.ts';
import type { Mirrors } from './mirrors.ts';
import type { Workloads } from './workload.ts';

export interface JobStatesOptions {
  readonly clusterJobs: ClusterJobs;
  readonly cancellation: JobCancellation;
  readonly records: JobRecords;
  readonly workloads: Workloads;
  readonly mirrors: Mirrors;
}

/** Reads the state of Jobs. */
export class JobStates {
  readonly #options: JobStatesOptions;

  constructor(options: JobStatesOptions) {
    this.#options = options;
  }

  async read(name: string): Promise<JobState> {
    return (await this.#readCopy(name)) ?? this.#readFresh(name);
  }

  /** Reads the watch's copy; only Kueue may be asked. Undefined where a copy is not enough, as for a finished Job. */
  async #readCopy(name: string): Promise<JobState | undefined> {
    const { clusterJobs, mirrors, workloads } = this.#options;
    const job = mirrors.live ? clusterJobs.copy(name) : undefined;
    if (!job || !clusterJobs.kindOf(job).isKnownOriginal(job)) return undefined;
    const state = classifyJob(job, mirrors.pods.group(name), await workloads.of(job));
    return state.phase === 'finished' ? undefined : state;
  }

  async #readFresh(name: string): Promise<JobState> {
    const { clusterJobs, cancellation, records, workloads } = this.#options;
    const job = await clusterJobs.read(name);
    if (!job) return this.#readUncreated(name);
    await cancellation.endReplacement(job);
    // Pods are read after the Job: for a Job that has ended, they are then the pods that ended it.
    const pods = await clusterJobs.podsOf(name);
    const state = classifyJob(job, pods, await workloads.of(job));
    if (state.phase !== 'finished') return state;
    records.ended(name, pods);
    // A Job keeps its pods until it is reported. If it failed and has none, another worker may have reported it just
    // now.
    const latest = state.outcome.kind === 'failed' ? await clusterJobs.read(name) : job;
    if (!latest) return { phase: 'absent' };
    return isOpen(latest) ? state : { ...state, acknowledged: true };
  }

  async #readUncreated(name: string): Promise<JobState> {
    for (const kind of this.#options.clusterJobs.kindsFor(name)) {
      const wait = await kind.waitForJob(name);
      if (wait) return { phase: 'queued', wait };
    }
    return { phase: 'absent' };
  }
}
