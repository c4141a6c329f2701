import { setTimeout as delay } from 'node:timers/promises';
import { PatchStrategy, setHeaderOptions, type V1Job, type V1Pod } from '@kubernetes/client-node';
import { HintQueue } from '../domain/hint-queue.ts';
import { JobConflictError, type CancelCause, type JobRunner, type JobState } from '../domain/job.ts';
import { cancelledOf, classifyJob, isLive, lastOf } from './classify.ts';
import { statusOf, unlessMissing, type Cluster } from './client.ts';
import { jobManifest, requestOf, type JobPlacement } from './manifests/job.ts';
import { annotations, containerName, jobNameLabel, labels, managedBy } from './names.ts';
import { Mirror, watchClocks, type WatchClocks } from './watch.ts';

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
  const { batch, core, kubeConfig } = cluster;
  const { namespace } = placement;
  const hints = new HintQueue();
  /** Ends of logs whose pods were about to go. */
  const keptLogs = new Map<string, string>();
  const onError = (error: unknown) => log('the watch of the cluster broke off and starts again', { error: String(error) });
  const jobs = new Mirror<V1Job>({
    kubeConfig,
    path: `/apis/batch/v1/namespaces/${namespace}/jobs`,
    labelSelector: ours,
    list: () => batch.listNamespacedJob({ namespace, labelSelector: ours }),
    onChange: (job) => hint(job.metadata?.name),
    onError,
    clocks,
  });
  const pods = new Mirror<V1Pod>({
    kubeConfig,
    path: `/api/v1/namespaces/${namespace}/pods`,
    labelSelector: ours,
    list: () => core.listNamespacedPod({ namespace, labelSelector: ours }),
    onChange: (pod) => hint(pod.metadata?.labels?.[jobNameLabel]),
    onError,
    clocks,
  });

  const hint = (name: string | undefined): void => {
    if (name) hints.push(name);
  };
  const getJob = (name: string): Promise<V1Job | undefined> => batch.readNamespacedJob({ namespace, name }).catch(unlessMissing);
  const podsOf = async (name: string): Promise<V1Pod[]> => (await core.listNamespacedPod({ namespace, labelSelector: `${jobNameLabel}=${name}` })).items;

  /** What the watch has seen, without a request; undefined where that is not enough to go by. */
  function readMirror(name: string): JobState | undefined {
    const job = jobs.live && pods.live ? jobs.get(name) : undefined;
    if (!job) return undefined;
    const state = classifyJob(job, [...pods.values()].filter((pod) => pod.metadata?.labels?.[jobNameLabel] === name));
    return state.phase === 'finished' ? undefined : state;
  }

  async function readFresh(name: string): Promise<JobState> {
    const [job, itsPods] = await Promise.all([getJob(name), podsOf(name)]);
    return job ? classifyJob(job, itsPods) : { phase: 'absent' };
  }

  /** Says why, and from then on the Job controller starts no further pod of it and ends those that run. */
  async function markCancelled(job: V1Job, cause: CancelCause, reason: string): Promise<void> {
    const started = job.status?.startTime !== undefined && job.spec?.suspend !== true;
    const body = {
      metadata: { resourceVersion: job.metadata?.resourceVersion, annotations: { [annotations.cancelled]: JSON.stringify({ cause, reason }) } },
      // A deadline that has passed ends a running Job for good; one that never ran has no clock and is held back.
      spec: started ? { activeDeadlineSeconds: 1 } : { suspend: true },
    };
    await batch.patchNamespacedJob({ namespace, name: job.metadata?.name ?? '', body }, mergePatch);
  }

  async function keepLog(name: string): Promise<void> {
    const text = await readLog(name, 64 * 1024).catch(() => '');
    if (text !== '') keptLogs.set(name, text);
  }

  async function readLog(name: string, maximumBytes: number): Promise<string> {
    const pod = lastOf(await podsOf(name))?.metadata?.name;
    if (!pod) return '';
    // The server's own limit of bytes counts from the wrong end.
    const log = await core.readNamespacedPodLog({ namespace, name: pod, container: containerName, tailLines: 2000 });
    return tailOf(log, maximumBytes);
  }

  return {
    async create(request) {
      try {
        jobs.put(await batch.createNamespacedJob({ namespace, body: jobManifest(request, placement) }));
        return 'created';
      } catch (error) {
        if (statusOf(error) !== 409) throw error;
      }
      const existing = await getJob(request.name);
      if (!existing) throw new Error(`Job ${request.name} was there and is gone; it is made at the next attempt.`);
      const digest = existing.metadata?.annotations?.[annotations.specDigest];
      if (digest !== request.specDigest) throw new JobConflictError(`Job ${request.name} exists with another spec (${digest ?? 'not made by Tuneline'} instead of ${request.specDigest}).`);
      return 'adopted';
    },

    read: async (name) => readMirror(name) ?? readFresh(name),

    async listOpen() {
      const { items } = await batch.listNamespacedJob({ namespace, labelSelector: `${ours},${labels.open}=true` });
      return items.map(requestOf).filter((request) => request !== undefined);
    },

    async *watch(signal) {
      const running = Promise.all([jobs.run(signal), pods.run(signal)]);
      try {
        yield* hints.drain(signal);
      } finally {
        await running;
      }
    },

    async cancel(name, cause, reason) {
      await keepLog(name);
      for (let pauseMs = clocks.firstPauseMs; ; pauseMs *= 2) {
        const [job, itsPods] = await Promise.all([getJob(name), podsOf(name)]);
        if (!job && !itsPods.some(isLive)) return;
        if (job && classifyJob(job, itsPods).phase === 'finished') break;
        if (job && !cancelledOf(job))
          await markCancelled(job, cause, reason).catch((error: unknown) => {
            // It changed meanwhile, or is gone: look again.
            if (statusOf(error) !== 409 && statusOf(error) !== 404) throw error;
          });
        await delay(Math.min(pauseMs, 2000));
      }
      hint(name);
    },

    async logTail(name, maximumBytes) {
      // A log that the node refuses, because no container started or the node is gone, must not hold up the report.
      const log = await readLog(name, maximumBytes).catch((error: unknown) => {
        if (statusOf(error) === undefined) throw error;
        return '';
      });
      return log || tailOf(keptLogs.get(name) ?? '', maximumBytes);
    },

    async acknowledge(name) {
      keptLogs.delete(name);
      const body = { metadata: { labels: { [labels.open]: null } }, spec: { ttlSecondsAfterFinished: keptSeconds } };
      const job = await batch.patchNamespacedJob({ namespace, name, body }, mergePatch).catch(unlessMissing);
      // Held back for ever is no state to leave a Job in.
      if (job?.spec?.suspend && cancelledOf(job))
        await batch
          .deleteNamespacedJob({ namespace, name, propagationPolicy: 'Foreground', body: { preconditions: { ...(job.metadata?.uid ? { uid: job.metadata.uid } : {}) } } })
          .catch(unlessMissing);
    },
  };
}

/** The end of a text in whole lines. */
function tailOf(text: string, maximumBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= maximumBytes) return text;
  const end = bytes.subarray(bytes.length - maximumBytes).toString('utf8');
  return end.slice(end.indexOf('\n') + 1);
}
