import { setTimeout as delay } from 'node:timers/promises';
import { PatchStrategy, setHeaderOptions, type V1Job, type V1Pod } from '@kubernetes/client-node';
import { HintQueue } from '../domain/hint-queue.ts';
import { JobConflictError, type CancelCause, type JobOwner, type JobRequest, type JobRunner, type JobState } from '../domain/job.ts';
import { cancelledOf, classifyJob, isBarred, isLive } from './classify.ts';
import { statusOf, unlessMissing, type Cluster } from './client.ts';
import { jobManifest, ownerAnnotations, requestOf, type JobPlacement } from './manifests/job.ts';
import { serviceManifest } from './manifests/service.ts';
import { Evidence } from './evidence.ts';
import { annotations, jobNameLabel, labels, managedBy } from './names.ts';
import { shareReads } from './shared-reads.ts';
import { Mirror, pagesOf, watchClocks, type WatchClocks } from './watch.ts';
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
const ours = `${labels.managedBy}=${managedBy}`;

/**
 * Runs Jobs as batch/v1 Jobs of one namespace. The Job in the cluster is all the state there is: its
 * annotations say whom to tell, its label whether that was done.
 */
export function createKubernetesJobRunner({ cluster, placement, log, clocks = watchClocks }: KubernetesJobRunnerOptions): JobRunner {
  const { batch, core, custom, kubeConfig } = cluster;
  const { namespace } = placement;
  const hints = new HintQueue();
  const workloads = new Workloads(custom, namespace);
  /** Whoever makes a Job has it tracked, and needs not be told of it by the watch. */
  const creating = new Set<string>();
  // Not before both watches stand: until then, a look at each Job would be two requests.
  const onOpen = (): void => {
    if (jobs.live && pods.live) for (const mirror of [jobs, pods]) mirror.announce();
  };
  const onError = (error: unknown) => log('the watch of the cluster broke off and starts again', { error: String(error) });
  const jobs = new Mirror<V1Job>({
    kubeConfig,
    path: `/apis/batch/v1/namespaces/${namespace}/jobs`,
    labelSelector: ours,
    list: (page) => batch.listNamespacedJob({ namespace, labelSelector: ours, ...page }),
    keep: ({ metadata: { managedFields: _managedFields, ...metadata } = {}, spec: { template: _template, ...spec } = { template: {} }, ...job }) => ({ ...job, metadata, spec: { ...spec, template: {} } }),
    onChange: (job) => hint(job.metadata?.name),
    onOpen,
    onError,
    clocks,
  });
  const pods = new Mirror<V1Pod>({
    kubeConfig,
    path: `/api/v1/namespaces/${namespace}/pods`,
    labelSelector: ours,
    list: (page) => core.listNamespacedPod({ namespace, labelSelector: ours, ...page }),
    // Of thousands of pods, what is kept decides how much memory the worker needs; nobody here asks for a pod's spec.
    keep: ({ metadata: { managedFields: _managedFields, ...metadata } = {}, status }) => ({ metadata, ...(status ? { status } : {}) }),
    groupOf: jobOf,
    onChange: (pod) => {
      hint(jobOf(pod));
      const { name, deletionTimestamp } = pod.metadata ?? {};
      const job = jobOf(pod);
      if (job && name && deletionTimestamp && isOpen(job)) void evidence.keepLastWords(job, name);
    },
    onOpen,
    onError,
    clocks,
  });

  const hint = (name: string | undefined): void => {
    if (name) hints.push(name);
  };
  const isOpen = (name: string | undefined): boolean => name !== undefined && jobs.get(name)?.metadata?.labels?.[labels.open] !== undefined;
  const getJob = (name: string): Promise<V1Job | undefined> => batch.readNamespacedJob({ namespace, name }).catch(unlessMissing);
  const listPods = shareReads(async (names) => Map.groupBy((await core.listNamespacedPod({ namespace, labelSelector: `${jobNameLabel} in (${names.join(',')})` })).items, jobOf));
  const podsOf = async (name: string): Promise<V1Pod[]> => (await listPods(name)).get(name) ?? [];
  const evidence = new Evidence({ core, namespace, podsOf });

  /** What the watch has seen, without a request but for the words of a queue; undefined where that is not enough to go by. */
  async function readMirror(name: string): Promise<JobState | undefined> {
    const job = jobs.live && pods.live ? jobs.get(name) : undefined;
    if (!job) return undefined;
    const state = classifyJob(job, pods.group(name), await workloads.of(job));
    return state.phase === 'finished' ? undefined : state;
  }

  async function readFresh(name: string): Promise<JobState> {
    const job = await getJob(name);
    if (!job) return { phase: 'absent' };
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

  /** Has whoever leads the workers tell this owner, even if another was told before. */
  async function reopen(job: V1Job, owner: JobOwner): Promise<void> {
    const before = requestOf(job)?.owner;
    if (job.metadata?.labels?.[labels.open] && before?.runId === owner.runId && before.activityId === owner.activityId) return;
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

  return {
    async create(request) {
      creating.add(request.name);
      try {
        const job = await batch.createNamespacedJob({ namespace, body: jobManifest(request, placement) });
        jobs.put(job);
        await createService(job);
        return 'created';
      } catch (error) {
        if (statusOf(error) !== 409) throw error;
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
      const pages = pagesOf((page) => batch.listNamespacedJob({ namespace, labelSelector: `${ours},${labels.open}=true`, ...page }));
      for await (const { items } of pages) open.push(...items.map(requestOf).filter((request) => request !== undefined));
      return open;
    },

    async *watch(signal) {
      const running = Promise.all([jobs.run(signal), pods.run(signal)]);
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
        if (!job && !itsPods.some(isLive)) return;
        if (job && classifyJob(job, itsPods).phase === 'finished') break;
        // Its queue may have taken the place of one that we were about to end.
        if (job && (!cancelledOf(job) || (job.spec?.suspend && !isBarred(job))))
          await markCancelled(job, cause, reason).catch((error: unknown) => {
            // It changed meanwhile, or is gone: look again.
            if (statusOf(error) !== 409 && statusOf(error) !== 404) throw error;
          });
        await delay(Math.min(pauseMs, 2000));
      }
      hint(name);
    },

    logTail: (name, maximumBytes) => evidence.logTail(name, maximumBytes),

    events: (name) => evidence.events(name),

    async acknowledge(name) {
      evidence.forget(name);
      const body = { metadata: { labels: { [labels.open]: null } }, spec: { ttlSecondsAfterFinished: keptSeconds } };
      const job = await batch.patchNamespacedJob({ namespace, name, body }, mergePatch).catch(unlessMissing);
      // A hint that was under way must not find it open any more.
      if (job) jobs.put(job);
      // Held back for ever is no state to leave a Job in.
      if (job && isBarred(job))
        await batch
          .deleteNamespacedJob({ namespace, name, propagationPolicy: 'Foreground', body: { preconditions: { ...(job.metadata?.uid ? { uid: job.metadata.uid } : {}) } } })
          .catch(unlessMissing);
    },
  };
}

const jobOf = (pod: V1Pod): string | undefined => pod.metadata?.labels?.[jobNameLabel];
