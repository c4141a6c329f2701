import { setTimeout as delay } from 'node:timers/promises';
import type { CoreV1Api, CoreV1Event, V1Pod } from '@kubernetes/client-node';
import { decisivePod } from './classify.ts';
import { statusOf } from '../client.ts';
import type { ClusterJobs } from './cluster-jobs.ts';
import { describeEvents } from './events.ts';
import { containerName } from '../names.ts';

export interface JobRecordSources {
  readonly core: Pick<CoreV1Api, 'readNamespacedPodLog' | 'listNamespacedEvent'>;
  readonly namespace: string;
  readonly clusterJobs: Pick<ClusterJobs, 'podsOf' | 'objectsOf'>;
}

/** A followed log on an unreachable node never ends, so the wait for it does. */
const patienceMs = 2000;

/** Collects the logs and events of Jobs for their job records, also from pods that are about to go. */
export class JobRecords {
  /** True if logs of deleted pods are kept. A worker that does not report Jobs would keep them for ever. */
  keeps = false;
  readonly #sources: JobRecordSources;
  /** Log tails of pods that were about to go, by Job and pod. */
  readonly #kept = new Map<string, Map<string, string>>();
  /** Pods that are going and whose logs are being followed, with the Job of each. */
  readonly #going = new Map<string, { readonly job: string; readonly heard: Promise<void> }>();
  /** The decisive pod of each Job that was read as finished. Undefined if it had no pod. */
  readonly #endedBy = new Map<string, string | undefined>();

  constructor(sources: JobRecordSources) {
    this.#sources = sources;
  }

  /** Remembers the decisive pod of an ended Job, to spare a request when its log is read. */
  ended(job: string, pods: readonly V1Pod[]): void {
    this.#endedBy.set(job, decisivePod(pods)?.metadata?.name);
  }

  /** Keeps the log so far. Called before the Job is ended. */
  async keep(job: string): Promise<void> {
    await this.#keepLog(job, await this.#podOf(job));
  }

  /** Follows the log of a pod that was evicted or deleted. Its log goes with it, and its last lines matter most. */
  async keepLastWords(job: string, pod: string): Promise<void> {
    if (this.#going.has(pod)) return;
    const heard = this.#keepLog(job, pod).then(() => this.#keepLog(job, pod, true));
    this.#going.set(pod, { job, heard });
    await heard;
    this.#going.delete(pod);
  }

  /** Waits until the followed logs of an ended Job are complete: their last lines arrive after the pods are gone. */
  async #silence(job: string): Promise<void> {
    const speaking = [...this.#going.values()].filter((going) => going.job === job);
    if (speaking.length > 0)
      await Promise.race([
        Promise.all(speaking.map(({ heard }) => heard)),
        delay(patienceMs, undefined, { ref: false }),
      ]);
  }

  forget(job: string): void {
    for (const [pod, going] of this.#going) if (going.job === job) this.#going.delete(pod);
    this.#kept.delete(job);
    this.#endedBy.delete(job);
  }

  /** The tail of the last pod's log. After an eviction, the logs of earlier pods come before it. */
  async logTail(job: string, maximumBytes: number): Promise<string> {
    await this.#silence(job);
    const kept = new Map(this.#kept.get(job));
    const last = await this.#podOf(job);
    // The node refuses if no container started or the node is gone. That must not delay the report.
    const log = last && (await this.#readLog(last).catch(unlessRefused));
    if (last && log) kept.set(last, log);
    const [only, ...more] = kept.entries();
    if (!only || more.length === 0) return tailOf(only?.[1] ?? '', maximumBytes);
    return tailOf([...kept].map(([pod, text]) => `--- pod ${pod}\n${text}`).join(''), maximumBytes);
  }

  async events(job: string): Promise<string> {
    const last = await this.#podOf(job);
    const itsPods = new Set([...(this.#kept.get(job)?.keys() ?? []), ...(last ? [last] : [])]);
    const objects = [
      ...this.#sources.clusterJobs.objectsOf(job),
      ...[...itsPods].map((name) => ({ kind: 'Pod', name })),
    ];
    const lists = await Promise.all(objects.map(({ kind, name }) => this.#eventsOf(kind, name)));
    return describeEvents(lists.flat());
  }

  async #podOf(job: string): Promise<string | undefined> {
    return this.#endedBy.has(job)
      ? this.#endedBy.get(job)
      : decisivePod(await this.#sources.clusterJobs.podsOf(job))?.metadata?.name;
  }

  async #keepLog(job: string, pod: string | undefined, follow = false): Promise<void> {
    if (!pod || !this.keeps) return;
    const text = await this.#readLog(pod, follow).catch(() => '');
    // The Job may have been reported while the log was followed.
    if (text !== '' && (!follow || this.#going.has(pod)))
      this.#kept.set(job, (this.#kept.get(job) ?? new Map<string, string>()).set(pod, text));
  }

  /** Empty if the log is gone. `follow` waits for the container's end. */
  async #readLog(pod: string, follow = false): Promise<string> {
    const { core, namespace } = this.#sources;
    // The server's own byte limit keeps the start of a log, not its end.
    const text = await core.readNamespacedPodLog({
      namespace,
      name: pod,
      container: containerName,
      tailLines: 2000,
      follow,
    });
    return noLog.test(text) ? '' : text;
  }

  async #eventsOf(kind: string, name: string): Promise<CoreV1Event[]> {
    const { core, namespace } = this.#sources;
    const list = await core
      .listNamespacedEvent({ namespace, fieldSelector: `involvedObject.kind=${kind},involvedObject.name=${name}` })
      .catch(unlessRefused);
    return list?.items ?? [];
  }
}

/** A kubelet answers 200 with one of these lines when the container's log is gone. */
const noLog = /^(unable to retrieve container logs|failed to try resolving symlinks|failed to open log file)[^\n]*$/;

/** Undefined if the server answered with an error. Rejects if it did not answer. */
const unlessRefused = (error: unknown): undefined => {
  if (statusOf(error) === undefined) throw error;
};

/** The end of a text, in whole lines. */
function tailOf(text: string, maximumBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= maximumBytes) return text;
  const end = bytes.subarray(bytes.length - maximumBytes).toString('utf8');
  return end.slice(end.indexOf('\n') + 1);
}
