import { setMaxListeners } from 'node:events';
import type { Cluster } from '../../k8s/client.ts';
import { jobNameLabel, labels } from '../../k8s/names.ts';
import { Mirror, watchClocks } from '../../k8s/watch.ts';
import { letEnd } from '../../test/cluster/support/never-ending.ts';
import { monotonicMs } from './job-worker-messages.ts';

/** Sees over connections of its own what becomes of a namespace's Jobs, apart from the worker under test, and ends their pods. */
export class JobObserver {
  /** When a Job's terminal condition was seen first. */
  readonly endedAtMs = new Map<string, number>();
  readonly #cluster: Cluster;
  readonly #namespace: string;
  readonly #stop = new AbortController();
  readonly #watches: Promise<unknown>;
  readonly #running = new Map<string, string>();
  readonly #pods = new Map<string, Set<string>>();
  readonly #waiting = new Set<() => void>();

  constructor(cluster: Cluster, namespace: string) {
    this.#cluster = cluster;
    this.#namespace = namespace;
    setMaxListeners(0, this.#stop.signal);
    const { kubeConfig, batch, core } = cluster;
    const mirrors: { announce(): void }[] = [];
    const common = {
      kubeConfig,
      labelSelector: '',
      clocks: watchClocks,
      onOpen: () => mirrors.forEach((mirror) => mirror.announce()),
      onError: (error: unknown) => void process.stderr.write(`the observer's watch broke off: ${String(error)}\n`),
    };
    const jobs = new Mirror({
      ...common,
      path: `/apis/batch/v1/namespaces/${namespace}/jobs`,
      list: (page) => batch.listNamespacedJob({ namespace, ...page }),
      onChange: ({ metadata, status }) => {
        const name = metadata?.name ?? '';
        const isTerminal = status?.conditions?.some(
          (condition) => (condition.type === 'Complete' || condition.type === 'Failed') && condition.status === 'True',
        );
        if (isTerminal && !this.endedAtMs.has(name)) this.endedAtMs.set(name, monotonicMs());
      },
    });
    const pods = new Mirror({
      ...common,
      path: `/api/v1/namespaces/${namespace}/pods`,
      list: (page) => core.listNamespacedPod({ namespace, ...page }),
      onChange: ({ metadata, status }) => {
        const job = metadata?.labels?.[jobNameLabel] ?? '';
        this.#pods.set(job, (this.#pods.get(job) ?? new Set()).add(metadata?.uid ?? ''));
        if (status?.phase === 'Running') this.#running.set(job, metadata?.name ?? '');
        for (const look of this.#waiting) look();
      },
    });
    mirrors.push(jobs, pods);
    this.#watches = Promise.all([jobs.run(this.#stop.signal), pods.run(this.#stop.signal)]);
  }

  /** Jobs whose pod ran at some time. */
  get running(): number {
    return this.#running.size;
  }

  /** How many pods the Job had. */
  podsOf(job: string): number {
    return this.#pods.get(job)?.size ?? 0;
  }

  async until(isSo: () => boolean): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const look = () => (isSo() ? resolve(undefined) : undefined);
    this.#waiting.add(look);
    look();
    await promise;
    this.#waiting.delete(look);
  }

  async endPodOf(job: string): Promise<void> {
    const name = this.#running.get(job) ?? '';
    await letEnd(this.#cluster, this.#namespace, name);
  }

  /** Jobs with a pod that lives, or whose end nobody acknowledged. */
  async orphans(): Promise<number> {
    const [{ items: open }, { items: pods }] = await Promise.all([
      this.#cluster.batch.listNamespacedJob({ namespace: this.#namespace, labelSelector: labels.open }),
      this.#cluster.core.listNamespacedPod({
        namespace: this.#namespace,
        fieldSelector: 'status.phase!=Succeeded,status.phase!=Failed',
      }),
    ]);
    return new Set([
      ...open.map(({ metadata }) => metadata?.name),
      ...pods.map(({ metadata }) => metadata?.labels?.[jobNameLabel]),
    ]).size;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#watches;
  }
}
