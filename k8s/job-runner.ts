import { setTimeout as delay } from 'node:timers/promises';
import { PatchStrategy, setHeaderOptions, type V1Job, type V1Pod } from '@kubernetes/client-node';
import { HintQueue } from '../domain/hint-queue.ts';
import { JobConflictError, type CancelCause, type JobOwner, type JobRequest, type JobRunner, type JobState } from '../domain/job.ts';
import { cancelledOf, classifyJob, isBarred, isLive } from './classify.ts';
import { statusOf, unlessMissing, type Cluster } from './client.ts';
import { nodesOf } from './manifests/gang.ts';
import { jobManifest, ownerAnnotations, requestOf, type JobPlacement } from './manifests/job.ts';
import { isOfSet, jobNameInSet, setNameOf } from './manifests/job-set.ts';
import { serviceManifest } from './manifests/service.ts';
import { Evidence } from './evidence.ts';
import { JobSets } from './job-sets.ts';
import { mirrorJobs } from './mirrors.ts';
import { annotations, jobNameLabel, jobOf, labels, nameOf, ourSelector } from './names.ts';
import { shareReads } from './shared-reads.ts';
import { pagesOf, watchClocks, type WatchClocks } from './watch.ts';
import { Workloads } from './workload.ts';

export interface KubernetesJobRunnerOptions {
  readonly cluster: Cluster;
  readonly placement: JobPlacement;
  readonly log: (message: string, fields: Record<string, unknown>) => void;
  readonly clocks?: WatchClocks;
}

/** How long the Job and its pod stay for people to look at, once MLflow has the evidence. */
const keptSeconds = 3600;
const mergePatch = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);

/**
 * Runs Jobs as batch/v1 Jobs of one namespace; one on several nodes is made by a JobSet where the cluster has that. The
 * Job in the cluster is all the state there is: its annotations say whom to tell, its label whether that was done.
 */
export function createKubernetesJobRunner({ cluster, placement, log, clocks = watchClocks }: KubernetesJobRunnerOptions): JobRunner {
  const { batch, core, custom } = cluster;
  const { namespace } = placement;
  const hints = new HintQueue();
  const workloads = new Workloads(custom, namespace);
  const sets = new JobSets(custom, placement);
  /** Whoever makes a Job has it tracked, and needs not be told of it by the watch. */
  const creating = new Set<string>();
  const mirrors = mirrorJobs({
    cluster,
    namespace,
    clocks,
    onJob: (job) => hint(nameOf(job)),
    onPod: (pod) => {
      const job = jobOf(pod);
      hint(job);
      const { name, deletionTimestamp } = pod.metadata ?? {};
      if (job && name && deletionTimestamp && isOpen(job)) void evidence.keepLastWords(job, name);
    },
    onError: (error) => log('the watch of the cluster broke off and starts again', { error: String(error) }),
  });
  const { jobs, pods } = mirrors;

  const hint = (name: string | undefined): void => {
    if (name) hints.push(name);
  };
  const ofSet = (name: string): V1Job | undefined => jobs.get(jobNameInSet(name));
  const seen = (name: string): V1Job | undefined => jobs.get(name) ?? ofSet(name);
  const isOpen = (name: string | undefined): boolean => name !== undefined && seen(name)?.metadata?.labels?.[labels.open] !== undefined;
  const readJob = (name: string): Promise<V1Job | undefined> => batch.readNamespacedJob({ namespace, name }).catch(unlessMissing);
  /** Whoever made it: few are of a set, and those are asked for first if the watch has shown them. */
  const getJob = async (name: string): Promise<V1Job | undefined> => {
    const names = [name, jobNameInSet(name)] as const;
    const [first, other] = ofSet(name) ? names.toReversed() : names;
    return (await readJob(first ?? name)) ?? readJob(other ?? name);
  };
  const listPods = shareReads(async (names) => {
    const labelSelector = `${jobNameLabel} in (${names.flatMap((name) => [name, jobNameInSet(name)]).join(',')})`;
    return Map.groupBy((await core.listNamespacedPod({ namespace, labelSelector })).items, jobOf);
  });
  const podsOf = async (name: string): Promise<V1Pod[]> => (await listPods(name)).get(name) ?? [];
  const makersOf = (name: string) => (ofSet(name) ? [{ kind: 'JobSet', name: setNameOf(name) }, { kind: 'Job', name: jobNameInSet(name) }] : [{ kind: 'Job', name }]);
  const evidence = new Evidence({ core, namespace, podsOf, makersOf });

  /** What the watch has seen, without a request but for the words of a queue; undefined where that is not enough to go by. */
  async function readMirror(name: string): Promise<JobState | undefined> {
    const job = mirrors.live ? seen(name) : undefined;
    if (!job || (isOfSet(job) && !sets.knows(job))) return undefined;
    const state = classifyJob(job, pods.group(name), await workloads.of(job));
    return state.phase === 'finished' ? undefined : state;
  }

  async function readFresh(name: string): Promise<JobState> {
    const job = await getJob(name);
    if (!job) return readUnmade(name);
    await endReplacement(job);
    // After the Job: of one that has ended, these are the pods that ended it.
    const itsPods = await podsOf(name);
    const state = classifyJob(job, itsPods, await workloads.of(job));
    if (state.phase !== 'finished') return state;
    evidence.ended(name, itsPods);
    // Until it was reported its pods stay; one that failed without them may have been reported and collected in between.
    const still = state.outcome.kind === 'failed' ? await getJob(name) : job;
    if (!still) return { phase: 'absent' };
    return still.metadata?.labels?.[labels.open] ? state : { ...state, acknowledged: true };
  }

  async function readUnmade(name: string): Promise<JobState> {
    const since = await sets.makingSince(name);
    if (!since) return { phase: 'absent' };
    return { phase: 'queued', wait: { for: 'start', sinceMs: since.getTime(), message: `Its JobSet ${setNameOf(name)} has no Job; does JobSet's controller run?` } };
  }

  /** Who deleted a Job wanted it to end, and whoever waits for it must hear that: what JobSet put in its place ends as deleted. */
  async function endReplacement(job: V1Job): Promise<void> {
    if (!isOfSet(job) || cancelledOf(job) || (await sets.isFirst(job))) return;
    await markCancelled(job, 'Deleted', 'The Job was deleted from outside before it ended; the one that JobSet made in its place was ended, too.').catch(unlessChanged);
  }

  /** Has whoever leads the workers tell this owner, even if another was told before. */
  async function reopen(job: V1Job, owner: JobOwner): Promise<void> {
    const before = requestOf(job)?.owner;
    if (job.metadata?.labels?.[labels.open] && before?.runId === owner.runId && before.activityId === owner.activityId) return;
    if (isOfSet(job)) await sets.keepFor(nameOf(job) ?? '', null);
    const body = { metadata: { labels: { [labels.open]: 'true' }, annotations: ownerAnnotations(owner) }, spec: { ttlSecondsAfterFinished: null } };
    jobs.put(await batch.patchNamespacedJob({ namespace, name: job.metadata?.name ?? '', body }, mergePatch));
  }

  /** Says why, and from then on the Job controller starts no further pod of it and ends those that run. */
  async function markCancelled(job: V1Job, cause: CancelCause, reason: string): Promise<void> {
    const started = job.status?.startTime !== undefined && job.spec?.suspend !== true;
    const body = {
      metadata: { resourceVersion: job.metadata?.resourceVersion, annotations: { [annotations.cancelled]: JSON.stringify(cancelledOf(job) ?? { cause, reason }) } },
      // A deadline that has passed ends a running Job for good. One that does not run has no clock and is held back;
      // a queue that admits it all the same, as Kueue does, finds no pod to make.
      spec: started ? { activeDeadlineSeconds: 1 } : { suspend: true, parallelism: 0 },
    };
    await batch.patchNamespacedJob({ namespace, name: job.metadata?.name ?? '', body }, mergePatch);
  }

  async function createService(job: V1Job): Promise<void> {
    const body = serviceManifest(job);
    if (!body) return;
    await core.createNamespacedService({ namespace, body }).catch((error: unknown) => {
      if (statusOf(error) !== 409) throw error;
    });
  }

  /** Undefined where there is one. */
  async function make(request: JobRequest): Promise<V1Job | undefined> {
    if (nodesOf(request) > 1) {
      // It may be of a time when the cluster's answer was another.
      if (await getJob(request.name)) return undefined;
      if (await sets.served()) {
        const { job, made } = await sets.create(request, () => readJob(jobNameInSet(request.name)));
        await endReplacement(job);
        return made ? job : undefined;
      }
    }
    try {
      const job = await batch.createNamespacedJob({ namespace, body: jobManifest(request, placement) });
      await createService(job);
      return job;
    } catch (error) {
      if (statusOf(error) === 409) return undefined;
      throw error;
    }
  }

  return {
    async create(request) {
      creating.add(request.name);
      try {
        const job = await make(request);
        if (job) {
          jobs.put(job);
          return 'created';
        }
      } finally {
        creating.delete(request.name);
      }
      const existing = await getJob(request.name);
      if (!existing) throw new Error(`Job ${request.name} was there and is gone; it is made at the next attempt.`);
      const digest = existing.metadata?.annotations?.[annotations.specDigest];
      if (digest !== request.specDigest) throw new JobConflictError(`Job ${request.name} exists with another spec (${digest ?? 'not made by Tuneline'} instead of ${request.specDigest}).`);
      // Whoever made the Job may have come no further.
      await createService(existing);
      await reopen(existing, request.owner);
      return 'adopted';
    },

    async findOpen(name) {
      // The copy may be older than our own acknowledgement; most hints are of Jobs that it knows to be closed.
      if (creating.has(name) || (jobs.live && !isOpen(name))) return undefined;
      const job = await getJob(name);
      return job?.metadata?.labels?.[labels.open] ? requestOf(job) : undefined;
    },

    read: async (name) => (await readMirror(name)) ?? readFresh(name),

    async listOpen() {
      const open: JobRequest[] = [];
      const pages = pagesOf((page) => batch.listNamespacedJob({ namespace, labelSelector: `${ourSelector},${labels.open}=true`, ...page }));
      for await (const { items } of pages) open.push(...items.map(requestOf).filter((request) => request !== undefined));
      return open;
    },

    async *watch(signal) {
      const running = mirrors.run(signal);
      evidence.keeps = true;
      try {
        yield* hints.drain(signal);
      } finally {
        await running;
        evidence.keeps = false;
      }
    },

    async cancel(name, cause, reason) {
      await evidence.keep(name);
      for (let pauseMs = clocks.firstPauseMs; ; pauseMs *= 2) {
        const [job, itsPods] = await Promise.all([getJob(name), podsOf(name)]);
        // A set that has made no Job yet could make one.
        if (!job && !itsPods.some(isLive) && !(await sets.remove(name))) return;
        if (job && classifyJob(job, itsPods).phase === 'finished') break;
        // Its queue may have taken the place of one that we were about to end.
        if (job && (!cancelledOf(job) || (job.spec?.suspend && !isBarred(job))))
          await markCancelled(job, cause, reason).catch(unlessChanged);
        await delay(Math.min(pauseMs, 2000));
      }
      hint(name);
    },

    logTail: (name, maximumBytes) => evidence.logTail(name, maximumBytes),

    events: (name) => evidence.events(name),

    async acknowledge(name) {
      evidence.forget(name);
      const labelled = { metadata: { labels: { [labels.open]: null } } };
      const patchJob = (jobName: string, body: object) => batch.patchNamespacedJob({ namespace, name: jobName, body }, mergePatch).catch(unlessMissing);
      let job = ofSet(name) ? undefined : await patchJob(name, { ...labelled, spec: { ttlSecondsAfterFinished: keptSeconds } });
      if (!job) {
        // The set first: it is found by its Job.
        await sets.keepFor(name, keptSeconds);
        job = await patchJob(jobNameInSet(name), labelled);
      }
      if (!job) return;
      // A hint that was under way must not find it open any more.
      jobs.put(job);
      // Held back for ever is no state to leave a Job in.
      if (!isBarred(job)) return;
      if (isOfSet(job)) await sets.remove(name);
      else await batch.deleteNamespacedJob({ namespace, name, body: { propagationPolicy: 'Foreground', preconditions: { ...(job.metadata?.uid ? { uid: job.metadata.uid } : {}) } } }).catch(unlessMissing);
    },
  };
}

/** It changed meanwhile, or is gone: look again. */
const unlessChanged = (error: unknown): undefined => {
  if (statusOf(error) !== 409 && statusOf(error) !== 404) throw error;
};
