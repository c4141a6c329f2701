import type { BatchV1Api, V1Job, V1Pod } from '@kubernetes/client-node';
import { ChangeQueue } from '../../domain/job/change-queue.ts';
import {
  JobConflictError,
  type CancelCause,
  type JobRequest,
  type JobRunner,
  type JobState,
} from '../../domain/job/job.ts';
import { isBarred } from './classify.ts';
import type { Cluster } from '../client.ts';
import { ClusterJobs, isOpen } from './cluster-jobs.ts';
import { JobRecords } from './job-record.ts';
import { JobCancellation } from './job-cancellation.ts';
import { JobSets } from './job-sets.ts';
import { JobStates } from './job-states.ts';
import { nodesOf } from '../manifests/gang.ts';
import { requestOf, type JobPlacement } from '../manifests/job.ts';
import { mirrorJobs, type Mirrors } from './mirrors.ts';
import { annotations, jobOf, labels, nameOf, ourSelector } from '../names.ts';
import { SingleJobs } from './single-jobs.ts';
import { pagesOf, watchClocks, type WatchClocks } from '../watch.ts';
import { Workloads } from './workload.ts';

export interface KubernetesJobRunnerOptions {
  readonly cluster: Cluster;
  readonly placement: JobPlacement;
  readonly log: (message: string, fields: Record<string, unknown>) => void;
  readonly clocks?: WatchClocks | undefined;
}

/** People can inspect the Job and its pods for this long after MLflow has the job record. */
const keptSeconds = 3600;

/**
 * Runs requests as batch/v1 Jobs of one namespace. Creates a request on several nodes as a JobSet where the cluster has
 * JobSet. The Job in the cluster holds all state: its annotations say whom to tell, its label whether that was done.
 */
export const createKubernetesJobRunner = (options: KubernetesJobRunnerOptions): JobRunner =>
  new KubernetesJobRunner(options);

class KubernetesJobRunner implements JobRunner {
  readonly #batch: BatchV1Api;
  readonly #namespace: string;
  readonly #hints = new ChangeQueue();
  /** The caller of `create` tracks the Job itself, so a hint about it is of no use to anyone. */
  readonly #creating = new Set<string>();
  readonly #single: SingleJobs;
  readonly #sets: JobSets;
  readonly #mirrors: Mirrors;
  readonly #clusterJobs: ClusterJobs;
  readonly #records: JobRecords;
  readonly #cancellation: JobCancellation;
  readonly #states: JobStates;

  constructor({ cluster, placement, log, clocks = watchClocks }: KubernetesJobRunnerOptions) {
    const { batch, core, custom } = cluster;
    const { namespace } = placement;
    this.#batch = batch;
    this.#namespace = namespace;
    this.#single = new SingleJobs({ batch, core, placement });
    this.#sets = new JobSets({ custom, batch, placement });
    this.#mirrors = mirrorJobs({
      cluster,
      namespace,
      clocks,
      onJob: (job) => this.#hint(nameOf(job)),
      onPod: (pod) => this.#onPod(pod),
      onError: (error) => log('the watch of the cluster broke off and starts again', { error: String(error) }),
    });
    const { jobs } = this.#mirrors;
    const clusterJobs = new ClusterJobs({ batch, core, namespace, jobs, single: this.#single, sets: this.#sets });
    this.#clusterJobs = clusterJobs;
    this.#records = new JobRecords({ core, namespace, clusterJobs });
    this.#cancellation = new JobCancellation({ batch, namespace, clusterJobs, firstPauseMs: clocks.firstPauseMs });
    this.#states = new JobStates({
      clusterJobs,
      cancellation: this.#cancellation,
      records: this.#records,
      workloads: new Workloads(custom, namespace),
      mirrors: this.#mirrors,
    });
  }

  async create(request: JobRequest): Promise<'created' | 'adopted'> {
    this.#creating.add(request.name);
    try {
      const job = await this.#createNew(request);
      if (job) {
        await this.#cancellation.endReplacement(job);
        this.#mirrors.jobs.put(job);
        return 'created';
      }
    } finally {
      this.#creating.delete(request.name);
    }
    await this.#adopt(request);
    return 'adopted';
  }

  async findOpen(name: string): Promise<JobRequest | undefined> {
    // Most hints are about closed Jobs, and the copy spares a request for those. It may be older than our own
    // acknowledgement.
    if (this.#creating.has(name) || (this.#mirrors.jobs.live && !this.#clusterJobs.isCopyOpen(name))) return undefined;
    const job = await this.#clusterJobs.read(name);
    return job && isOpen(job) ? requestOf(job) : undefined;
  }

  read(name: string): Promise<JobState> {
    return this.#states.read(name);
  }

  async listOpen(): Promise<readonly JobRequest[]> {
    const open: JobRequest[] = [];
    const listed = { namespace: this.#namespace, labelSelector: `${ourSelector},${labels.open}=true` };
    const pages = pagesOf((page) => this.#batch.listNamespacedJob({ ...listed, ...page }));
    for await (const { items } of pages) open.push(...items.map(requestOf).filter((request) => request !== undefined));
    return open;
  }

  async *watch(signal: AbortSignal): AsyncGenerator<string> {
    const running = this.#mirrors.run(signal);
    this.#records.keeps = true;
    try {
      yield* this.#hints.drain(signal);
    } finally {
      await running;
      this.#records.keeps = false;
    }
  }

  async cancel(name: string, cause: CancelCause, reason: string): Promise<void> {
    await this.#records.keep(name);
    await this.#cancellation.cancel(name, cause, reason);
    this.#hint(name);
  }

  logTail(name: string, maximumBytes: number): Promise<string> {
    return this.#records.logTail(name, maximumBytes);
  }

  events(name: string): Promise<string> {
    return this.#records.events(name);
  }

  async acknowledge(name: string): Promise<void> {
    this.#records.forget(name);
    for (const kind of this.#clusterJobs.kindsFor(name)) {
      const job = await kind.close(name, keptSeconds);
      if (!job) continue;
      // A hint that is already under way must not find the Job open.
      this.#mirrors.jobs.put(job);
      // A barred Job stays suspended, so the cluster never deletes it.
      if (isBarred(job)) await kind.delete(job);
      return;
    }
  }

  /** Undefined if the name is taken. */
  async #createNew(request: JobRequest): Promise<V1Job | undefined> {
    if (nodesOf(request) === 1) return this.#single.create(request);
    // JobSet may have been installed or removed since the Job was created.
    if (await this.#clusterJobs.read(request.name)) return undefined;
    return ((await this.#sets.isServed()) ? this.#sets : this.#single).create(request);
  }

  async #adopt({ name, owner, specDigest }: JobRequest): Promise<void> {
    const job = await this.#clusterJobs.read(name);
    if (!job) throw new Error(`Job ${name} existed and is gone; the next attempt creates it.`);
    const found = job.metadata?.annotations?.[annotations.specDigest];
    if (found !== specDigest) {
      const differs = `${found ?? 'not made by Tuneline'} instead of ${specDigest}`;
      throw new JobConflictError(`Job ${name} exists with another spec (${differs}).`);
    }
    const kind = this.#clusterJobs.kindOf(job);
    await kind.createCompanions(job);
    await this.#cancellation.endReplacement(job);
    const before = requestOf(job)?.owner;
    if (isOpen(job) && before?.runId === owner.runId && before.activityId === owner.activityId) return;
    this.#mirrors.jobs.put(await kind.reopen(job, owner));
  }

  #hint(name: string | undefined): void {
    if (name) this.#hints.push(name);
  }

  #onPod(pod: V1Pod): void {
    const job = jobOf(pod);
    this.#hint(job);
    const { name, deletionTimestamp } = pod.metadata ?? {};
    const isGoing = job && name && deletionTimestamp && this.#clusterJobs.isCopyOpen(job);
    if (isGoing) void this.#records.keepLastWords(job, name);
  }
}
