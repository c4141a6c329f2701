import type { V1Job } from '@kubernetes/client-node';
import type { Cluster } from '../../../k8s/client.ts';
import type { JobSet } from '../../../k8s/manifests/job-set.ts';
import { requestOf } from '../../../k8s/manifests/job.ts';
import type { Behaviour } from '../../contract/jobs.ts';

/**
 * A cluster client that annotates the pods of every Job and JobSet it creates; the simulated nodes read those
 * annotations.
 */
export function withPodAnnotations<T extends Pick<Cluster, 'batch' | 'custom'>>(
  cluster: T,
  annotationsOf: (behaviour: Behaviour) => Record<string, string>,
): T {
  const tell = (job: V1Job): void => {
    const pods = job.spec?.template.metadata?.annotations ?? {};
    Object.assign(
      pods,
      annotationsOf(requestOf({ ...job, metadata: { name: 'any', ...job.metadata } })?.spec as unknown as Behaviour),
    );
  };
  const [batch, custom] = [
    Object.create(cluster.batch) as Cluster['batch'],
    Object.create(cluster.custom) as Cluster['custom'],
  ];
  batch.createNamespacedJob = (asked, options) => {
    const body = structuredClone(asked.body);
    tell(body);
    return cluster.batch.createNamespacedJob({ ...asked, body }, options);
  };
  custom.createNamespacedCustomObject = (asked, options) => {
    const body = structuredClone(asked.body) as JobSet;
    for (const { template } of body.spec.replicatedJobs) tell(template);
    return cluster.custom.createNamespacedCustomObject({ ...asked, body }, options);
  };
  return { ...cluster, batch, custom };
}
