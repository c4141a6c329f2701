import type { Cluster } from '../../../k8s/client.ts';
import { withPodAnnotations } from './simulated-pods.ts';

/** What the simulated nodes go by: a pod with it runs until it is taken away. */
export const neverAnnotation = 'tuneline.dev/test-never';

/** The cluster as it is, but the pods of Jobs that are made through it never end by themselves. */
export const neverEnding = <T extends Pick<Cluster, 'batch' | 'custom'>>(cluster: T): T =>
  withPodAnnotations(cluster, () => ({ [neverAnnotation]: 'true' }));

/** Lets a pod of such a Job end well. */
export const letEnd = async ({ core }: Pick<Cluster, 'core'>, namespace: string, pod: string): Promise<void> => {
  await core.patchNamespacedPod({
    namespace,
    name: pod,
    body: [{ op: 'remove', path: `/metadata/annotations/${neverAnnotation.replace('/', '~1')}` }],
  });
};
