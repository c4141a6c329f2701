import type { CustomObjectsApi, V1Job } from '@kubernetes/client-node';
import type { Wait } from '../../domain/job/job.ts';
import { jobSetUidLabel, queueLabel } from '../names.ts';

/** The part of a `kueue.x-k8s.io/v1beta1` Workload that says why a Job or JobSet waits. */
export interface Workload {
  readonly metadata?: { readonly creationTimestamp?: string };
  readonly status?: {
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly message?: string;
      readonly lastTransitionTime?: string;
    }[];
    readonly admissionChecks?: readonly { readonly name: string; readonly state: string; readonly message?: string }[];
  };
}

/**
 * Why a Job waits, in Kueue's words. It waits since its last eviction, or since it was created. Undefined until Kueue
 * has looked at it. Pure.
 */
export function waitOfWorkload({ metadata, status }: Workload): Wait | undefined {
  const condition = (type: string) => status?.conditions?.find((c) => c.type === type);
  const quota = condition('QuotaReserved');
  const evicted = condition('Evicted')?.status === 'True' ? condition('Evicted') : undefined;
  const checks = (status?.admissionChecks ?? [])
    .filter(({ state }) => state !== 'Ready')
    .map(({ name, message }) => `${name}: ${message ?? ''}`);
  // Right after an eviction both conditions have the same message.
  const messages = new Set([evicted?.message, quota?.message, ...checks].filter(Boolean));
  const since = evicted?.lastTransitionTime ?? metadata?.creationTimestamp;
  if (messages.size === 0 || since === undefined) return undefined;
  return { for: 'quota', sinceMs: Date.parse(since), message: [...messages].join('; ') };
}

/** Kueue's messages change rarely, and thousands of Jobs may wait. */
const keptMs = 60_000;

/** Reads the Workloads of Jobs, and keeps each for a minute. */
export class Workloads {
  readonly #custom: Pick<CustomObjectsApi, 'listNamespacedCustomObject'>;
  readonly #namespace: string;
  /** Keys are Job objects: the mirror replaces a changed Job, and its Workload is then read again. */
  readonly #kept = new WeakMap<V1Job, { readonly askedMs: number; readonly workload: Workload | undefined }>();

  constructor(custom: Pick<CustomObjectsApi, 'listNamespacedCustomObject'>, namespace: string) {
    this.#custom = custom;
    this.#namespace = namespace;
  }

  /** Undefined if the Job waits in no queue, or if Kueue can't be asked. The result affects only messages to people. */
  async of(job: V1Job): Promise<Workload | undefined> {
    const { uid, labels = {} } = job.metadata ?? {};
    // Kueue queues a JobSet as a whole.
    const queued = labels[jobSetUidLabel] ?? (labels[queueLabel] ? uid : undefined);
    if (job.spec?.suspend !== true || !queued) return undefined;
    const kept = this.#kept.get(job);
    if (kept && Date.now() - kept.askedMs < keptMs) return kept.workload;
    const workload = await this.#find(queued).catch(() => undefined);
    this.#kept.set(job, { askedMs: Date.now(), workload });
    return workload;
  }

  async #find(uid: string): Promise<Workload | undefined> {
    const asked = {
      group: 'kueue.x-k8s.io',
      version: 'v1beta1',
      plural: 'workloads',
      namespace: this.#namespace,
      labelSelector: `kueue.x-k8s.io/job-uid=${uid}`,
      resourceVersion: '0',
    };
    const { items } = (await this.#custom.listNamespacedCustomObject(asked)) as { readonly items: readonly Workload[] };
    return items[0];
  }
}
