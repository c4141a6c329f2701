import type { V1Job, V1Pod } from '@kubernetes/client-node';
import type { Cluster } from '../client.ts';
import { jobOf, ourSelector } from '../names.ts';
import { Mirror, type WatchClocks } from '../watch.ts';

export interface MirrorsOptions {
  readonly cluster: Cluster;
  readonly namespace: string;
  readonly clocks: WatchClocks;
  readonly onJob: (job: V1Job) => void;
  readonly onPod: (pod: V1Pod) => void;
  readonly onError: (error: unknown) => void;
}

export interface Mirrors {
  readonly jobs: Mirror<V1Job>;
  /** Grouped by the names of their Jobs. */
  readonly pods: Mirror<V1Pod>;
  /** Whether both say anything. */
  readonly live: boolean;
  run(signal: AbortSignal): Promise<unknown>;
}

/** Copies of our Jobs in a namespace and of their pods, as much of each as their state is told from. */
export function mirrorJobs({ cluster: { batch, core, kubeConfig }, namespace, clocks, onJob, onPod, onError }: MirrorsOptions): Mirrors {
  const labelSelector = ourSelector;
  // Not before both watches stand: until then, a look at each Job would be two requests.
  const onOpen = (): void => {
    if (jobs.live && pods.live) for (const mirror of [jobs, pods]) mirror.announce();
  };
  const alike = { kubeConfig, labelSelector, onOpen, onError, clocks };
  const jobs = new Mirror<V1Job>({
    ...alike,
    path: `/apis/batch/v1/namespaces/${namespace}/jobs`,
    list: (page) => batch.listNamespacedJob({ namespace, labelSelector, ...page }),
    keep: ({ metadata: { managedFields: _managedFields, ...metadata } = {}, spec: { template: _template, ...spec } = { template: {} }, ...job }) => ({ ...job, metadata, spec: { ...spec, template: {} } }),
    onChange: onJob,
  });
  const pods = new Mirror<V1Pod>({
    ...alike,
    path: `/api/v1/namespaces/${namespace}/pods`,
    list: (page) => core.listNamespacedPod({ namespace, labelSelector, ...page }),
    // Of thousands of pods, what is kept decides how much memory the worker needs; nobody here asks for a pod's spec.
    keep: ({ metadata: { managedFields: _managedFields, ...metadata } = {}, status }) => ({ metadata, ...(status ? { status } : {}) }),
    groupOf: jobOf,
    onChange: onPod,
  });
  return {
    jobs,
    pods,
    get live() {
      return jobs.live && pods.live;
    },
    run: (signal) => Promise.all([jobs.run(signal), pods.run(signal)]),
  };
}
