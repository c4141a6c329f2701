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

/** A node that is out of sight never says that a log is over. */
const patienceMs = 2000;

/** What the pods of Jobs have said, and what the cluster says of them. */
export class JobRecords {
  /** Whether a log is kept before its pod goes: whoever reports nothing would keep it for ever. */
  keeps = false;
  readonly #sources: JobRecordSources;
  /** Ends of logs whose pods were about to go, by Job and pod. */
  readonly #kept = new Map<string, Map<string, string>>();
  /** Pods whose last words are being listened to, with the Job of each. */
  readonly #going = new Map<string, { readonly job: string; readonly heard: Promise<void> }>();
  /** Of Jobs that were read as finished: the pod that ended each, for its log; undefined where there is none. */
  readonly #endedBy = new Map<string, string | undefined>();

  constructor(sources: JobRecordSources) {
    this.#sources = sources;
  }

  /** Saves the next question of whose log is meant. */
  ended(job: string, pods: readonly V1Pod[]): void {
    this.#endedBy.set(job, decisivePod(pods)?.metadata?.name);
  }

  /** Before something ends the Job. */
  async keep(job: string): Promise<void> {
    await this.#keepLog(job, await this.#podOf(job));
  }

  /** Evicted or deleted, a pod takes its log along; what it says in its grace matters most. */
  async keepLastWords(job: string, pod: string): Promise<void> {
    if (this.#going.has(pod)) return;
    const heard = this.#keepLog(job, pod).then(() => this.#keepLog(job, pod, true));
    this.#going.set(pod, { job, heard });
    await heard;
    this.#going.delete(pod);
  }

  /** Until the pods of a Job that has ended have said what they had to say: it comes a moment after they are gone. */
  async #silence(job: string): Promise<void> {
    const speaking = [...this.#going.values()].filter((going) => going.job === job);
    if (speaking.length > 0) await Promise.race([Promise.all(speaking.map(({ heard }) => heard)), delay(patienceMs, undefined, { ref: false })]);
  }

  forget(job: string): void {
    for (const [pod, going] of this.#going) if (going.job === job) this.#going.delete(pod);
    this.#kept.delete(job);
    this.#endedBy.delete(job);
  }

  /** The end of the last pod's log; where an eviction moved the Job, with those of the pods before it. */
  async logTail(job: string, maximumBytes: number): Promise<string> {
    await this.#silence(job);
    const kept = new Map(this.#kept.get(job));
    const last = await this.#podOf(job);
    // A log that the node refuses, because no container started or the node is gone, must not hold up the report.
    const log = last && (await this.#readLog(last).catch(unlessRefused));
    if (last && log) kept.set(last, log);
    const [only, ...more] = kept.entries();
    if (!only || more.length === 0) return tailOf(only?.[1] ?? '', maximumBytes);
    return tailOf([...kept].map(([pod, text]) => `--- pod ${pod}\n${text}`).join(''), maximumBytes);
  }

  async events(job: string): Promise<string> {
    const last = await this.#podOf(job);
    const itsPods = new Set([...(this.#kept.get(job)?.keys() ?? []), ...(last ? [last] : [])]);
    const objects = [...this.#sources.clusterJobs.objectsOf(job), ...[...itsPods].map((name) => ({ kind: 'Pod', name }))];
    const lists = await Promise.all(objects.map(({ kind, name }) => this.#eventsOf(kind, name)));
    return describeEvents(lists.flat());
  }

  async #podOf(job: string): Promise<string | undefined> {
    return this.#endedBy.has(job) ? this.#endedBy.get(job) : decisivePod(await this.#sources.clusterJobs.podsOf(job))?.metadata?.name;
  }

  async #keepLog(job: string, pod: string | undefined, follow = false): Promise<void> {
    if (!pod || !this.keeps) return;
    const text = await this.#readLog(pod, follow).catch(() => '');
    // What is heard after the Job was reported is nobody's any more.
    if (text !== '' && (!follow || this.#going.has(pod))) this.#kept.set(job, (this.#kept.get(job) ?? new Map<string, string>()).set(pod, text));
  }

  /** Empty where there is none any more. `follow` waits for the container's end. */
  async #readLog(pod: string, follow = false): Promise<string> {
    const { core, namespace } = this.#sources;
    // The server's own limit of bytes counts from the wrong end.
    const text = await core.readNamespacedPodLog({ namespace, name: pod, container: containerName, tailLines: 2000, follow });
    return noLog.test(text) ? '' : text;
  }

  async #eventsOf(kind: string, name: string): Promise<CoreV1Event[]> {
    const { core, namespace } = this.#sources;
    const list = await core.listNamespacedEvent({ namespace, fieldSelector: `involvedObject.kind=${kind},involvedObject.name=${name}` }).catch(unlessRefused);
    return list?.items ?? [];
  }
}

/** What a kubelet answers, as if all were well, where the container's log is gone. */
const noLog = /^(unable to retrieve container logs|failed to try resolving symlinks|failed to open log file)[^\n]*$/;

/** Undefined in place of an answer that was no. */
const unlessRefused = (error: unknown): undefined => {
  if (statusOf(error) === undefined) throw error;
};

/** The end of a text in whole lines. */
function tailOf(text: string, maximumBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= maximumBytes) return text;
  const end = bytes.subarray(bytes.length - maximumBytes).toString('utf8');
  return end.slice(end.indexOf('\n') + 1);
}
