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
  /** Grouped by the name of their Job. */
  readonly pods: Mirror<V1Pod>;
  /** True if both copies are usable. */
  readonly live: boolean;
  run(signal: AbortSignal): Promise<unknown>;
}

/** Copies of the Jobs of a namespace and of their pods. Each keeps only the fields that decide the state of a Job. */
export function mirrorJobs({
  cluster: { batch, core, kubeConfig },
  namespace,
  clocks,
  onJob,
  onPod,
  onError,
}: MirrorsOptions): Mirrors {
  const labelSelector = ourSelector;
  // Announce only when both watches are open: until then each look at a Job costs two requests.
  const onOpen = (): void => {
    if (jobs.live && pods.live) for (const mirror of [jobs, pods]) mirror.announce();
  };
  const alike = { kubeConfig, labelSelector, onOpen, onError, clocks };
  const jobs = new Mirror<V1Job>({
    ...alike,
    path: `/apis/batch/v1/namespaces/${namespace}/jobs`,
    list: (page) => batch.listNamespacedJob({ namespace, labelSelector, ...page }),
    keep: ({
      metadata: { managedFields: _managedFields, ...metadata } = {},
      spec: { template: _template, ...spec } = { template: {} },
      ...job
    }) => ({ ...job, metadata, spec: { ...spec, template: {} } }),
    onChange: onJob,
  });
  const pods = new Mirror<V1Pod>({
    ...alike,
    path: `/api/v1/namespaces/${namespace}/pods`,
    list: (page) => core.listNamespacedPod({ namespace, labelSelector, ...page }),
    // The specs of thousands of pods would fill the worker's memory, and nothing here reads them.
    keep: ({ metadata: { managedFields: _managedFields, ...metadata } = {}, status }) => ({ metadata, status }),
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
