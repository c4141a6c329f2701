import type { V1PolicyRule } from '@kubernetes/client-node';
import { expect } from '@jest/globals';
import type { Finding } from '../../../../k8s/doctor/finding.ts';
import type { JobPlacement } from '../../../../k8s/manifests/job.ts';

export const namespace = `doctor-${process.pid}`;

export const stored = (name: string) => ({ claim: name, mounts: [] });

/** Everything that it names is in the cluster. */
export const prepared: JobPlacement = {
  ...{ namespace, image: 'jobs', env: {}, graceSeconds: 1, userId: 10_001 },
  ...{ gpus: 8, gpuProduct: 'NVIDIA-H100-80GB-HBM3', storage: stored('storage'), queue: 'jobs', priorityClass: 'low' },
};

/** What a worker needs in its namespace. */
export const enough: V1PolicyRule[] = [
  { apiGroups: ['batch'], resources: ['jobs'], verbs: ['create', 'get', 'list', 'watch', 'patch', 'delete'] },
  { apiGroups: [''], resources: ['pods'], verbs: ['list', 'watch'] },
  { apiGroups: [''], resources: ['pods/log'], verbs: ['get'] },
  { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['create', 'get', 'update'] },
  { apiGroups: ['kueue.x-k8s.io'], resources: ['workloads'], verbs: ['list'] },
];

/** One wrong setting each, and the one finding that it leads to. */
export const mistakes: readonly [string, Partial<JobPlacement>, Partial<Record<keyof Finding, unknown>>][] = [
  [
    'a namespace that is not there',
    { namespace: 'nowhere' },
    {
      what: 'namespace',
      detail: 'nowhere does not exist',
      remedy: expect.stringContaining('kubectl apply -k k8s/install'),
    },
  ],
  [
    'a claim that is not there',
    { storage: stored('nothing') },
    {
      what: 'storage claim',
      detail: `nothing does not exist in ${namespace}`,
      remedy: expect.stringContaining('TUNELINE_STORAGE_CLAIM'),
    },
  ],
  [
    'more GPUs than any node has',
    { gpus: 9 },
    {
      what: 'GPUs',
      mayPass: true,
      detail: 'no node has 9: 2 nodes with NVIDIA-H100-80GB-HBM3, at most 8 each; there are NVIDIA-H100-80GB-HBM3',
    },
  ],
  [
    'GPUs that no node has',
    { gpuProduct: 'A100' },
    {
      what: 'GPUs',
      mayPass: true,
      detail: 'no node has 8: 0 nodes with A100, at most 0 each; there are NVIDIA-H100-80GB-HBM3',
    },
  ],
  [
    'a queue that is not there',
    { queue: 'nothing' },
    { what: 'queue', detail: `there is no LocalQueue nothing in ${namespace}` },
  ],
  [
    'a priority class that is not there',
    { priorityClass: 'nothing' },
    { what: 'priority class', detail: 'nothing does not exist' },
  ],
];
