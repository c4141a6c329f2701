import type { CustomObjectsApi, V1Job } from '@kubernetes/client-node';
import type { Wait } from '../../domain/job.ts';
import { jobSetUidLabel, queueLabel } from '../names.ts';

/** What Kueue makes of a Job or JobSet, a `kueue.x-k8s.io/v1beta1` Workload: the part that tells how it stands in its queue. */
export interface Workload {
  readonly metadata?: { readonly creationTimestamp?: string };
  readonly status?: {
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message?: string; readonly lastTransitionTime?: string }[];
    readonly admissionChecks?: readonly { readonly name: string; readonly state: string; readonly message?: string }[];
  };
}

/** Why Kueue lets a Job wait, in its words, and since when: its last eviction, where it was admitted before. Undefined until Kueue has looked at it. Pure. */
export function waitOfWorkload({ metadata, status }: Workload): Wait | undefined {
  const condition = (type: string) => status?.conditions?.find((c) => c.type === type);
  const quota = condition('QuotaReserved');
  const evicted = condition('Evicted')?.status === 'True' ? condition('Evicted') : undefined;
  const checks = (status?.admissionChecks ?? []).filter(({ state }) => state !== 'Ready').map(({ name, message }) => `${name}: ${message ?? ''}`);
  // Right after an eviction both conditions say the same.
  const messages = new Set([evicted?.message, quota?.message, ...checks].filter(Boolean));
  const since = evicted?.lastTransitionTime ?? metadata?.creationTimestamp;
  if (messages.size === 0 || since === undefined) return undefined;
  return { for: 'quota', sinceMs: Date.parse(since), message: [...messages].join('; ') };
}

/** Kueue's words change seldom, and thousands of Jobs may wait. */
const keptMs = 60_000;

/** Asks Kueue for the Workloads of Jobs, as seldom as will do. */
export class Workloads {
  readonly #custom: Pick<CustomObjectsApi, 'listNamespacedCustomObject'>;
  readonly #namespace: string;
  /** By the object itself: one that the mirror replaced has changed, and is asked for again. */
  readonly #kept = new WeakMap<V1Job, { readonly askedMs: number; readonly workload: Workload | undefined }>();

  constructor(custom: Pick<CustomObjectsApi, 'listNamespacedCustomObject'>, namespace: string) {
    this.#custom = custom;
    this.#namespace = namespace;
  }

  /** Undefined where the Job waits for no queue, and where Kueue is not there or may not be asked: nothing but words depends on it. */
  async of(job: V1Job): Promise<Workload | undefined> {
    const { uid, labels = {} } = job.metadata ?? {};
    // Of a JobSet it is the set that queues.
    const queued = labels[jobSetUidLabel] ?? (labels[queueLabel] ? uid : undefined);
    if (job.spec?.suspend !== true || !queued) return undefined;
    const kept = this.#kept.get(job);
    if (kept && Date.now() - kept.askedMs < keptMs) return kept.workload;
    const workload = await this.#find(queued).catch(() => undefined);
    this.#kept.set(job, { askedMs: Date.now(), workload });
    return workload;
  }

  async #find(uid: string): Promise<Workload | undefined> {
    const asked = { group: 'kueue.x-k8s.io', version: 'v1beta1', plural: 'workloads', namespace: this.#namespace, labelSelector: `kueue.x-k8s.io/job-uid=${uid}`, resourceVersion: '0' };
    const { items } = (await this.#custom.listNamespacedCustomObject(asked)) as { readonly items: readonly Workload[] };
    return items[0];
  }
}
