import type { Cluster } from '../../k8s/client.ts';

/** What the simulated nodes go by: a pod with it runs until it is taken away. */
const neverAnnotation = 'tuneline.dev/test-never';

/** The cluster as it is, but the pods of Jobs that are made through it never end by themselves. */
export function neverEnding<T extends Pick<Cluster, 'batch'>>(cluster: T): T {
  const batch = Object.create(cluster.batch) as Cluster['batch'];
  batch.createNamespacedJob = (asked, options) => {
    const body = structuredClone(asked.body);
    Object.assign(body.spec?.template.metadata?.annotations ?? {}, { [neverAnnotation]: 'true' });
    return cluster.batch.createNamespacedJob({ ...asked, body }, options);
  };
  return { ...cluster, batch };
}

/** Lets a pod of such a Job end well. */
export const letEnd = async ({ core }: Pick<Cluster, 'core'>, namespace: string, pod: string): Promise<void> => {
  await core.patchNamespacedPod({ namespace, name: pod, body: [{ op: 'remove', path: `/metadata/annotations/${neverAnnotation.replace('/', '~1')}` }] });
};
