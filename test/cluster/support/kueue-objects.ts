import type { Cluster as Connection } from '../../../k8s/client.ts';

const kueue = { group: 'kueue.x-k8s.io', version: 'v1beta1' };
const apiVersion = 'kueue.x-k8s.io/v1beta1';

/** An object of Kueue's that belongs to no namespace. */
export const createKueueObject = ({ custom }: Connection, kind: string, plural: string, body: object) =>
  custom.createClusterCustomObject({ ...kueue, plural, body: { apiVersion, kind, ...body } });

export const createLocalQueue = ({ custom }: Connection, namespace: string, name: string, clusterQueue: string) =>
  custom.createNamespacedCustomObject({
    ...kueue,
    namespace,
    plural: 'localqueues',
    body: { apiVersion, kind: 'LocalQueue', metadata: { name }, spec: { clusterQueue } },
  });

export interface Quota {
  readonly namespace: string;
  /** The name of an existing ResourceFlavor. */
  readonly flavor: string;
  readonly gpus: number;
}

/** A queue `jobs` in the namespace, with a ClusterQueue of the namespace's name. A higher priority preempts a lower one. */
export async function createPreemptingQueue(cluster: Connection, { namespace, flavor, gpus }: Quota): Promise<void> {
  await createKueueObject(cluster, 'ClusterQueue', 'clusterqueues', {
    metadata: { name: namespace },
    spec: {
      namespaceSelector: {},
      preemption: { withinClusterQueue: 'LowerPriority' },
      resourceGroups: [
        {
          coveredResources: ['nvidia.com/gpu'],
          flavors: [{ name: flavor, resources: [{ name: 'nvidia.com/gpu', nominalQuota: gpus }] }],
        },
      ],
    },
  });
  await createLocalQueue(cluster, namespace, 'jobs', namespace);
}
