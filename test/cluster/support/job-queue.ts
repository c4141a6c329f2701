import type { KubernetesListObject, KubernetesObject, V1Pod } from '@kubernetes/client-node';
import type { JobRunner } from '../../../domain/job/job.ts';
import type { Cluster as Connection } from '../../../k8s/client.ts';
import { isLive } from '../../../k8s/jobs/classify.ts';
import { createKubernetesJobRunner } from '../../../k8s/jobs/job-runner.ts';
import { jobNameLabel } from '../../../k8s/names.ts';
import { until } from '../../support/until.ts';
import { createPreemptingQueue, type Quota } from './kueue-objects.ts';
import { letEnd, neverEnding } from './never-ending.ts';

const workloads = { group: 'kueue.x-k8s.io', version: 'v1beta1', plural: 'workloads' };

/** A namespace whose Jobs share a queue with one GPU. */
export async function makeQueue(connection: Connection, { namespace, flavor }: Omit<Quota, 'gpus'>) {
  const { batch, core } = connection;
  await core.createNamespace({ body: { metadata: { name: namespace } } });
  await createPreemptingQueue(connection, { namespace, flavor, gpus: 1 });
  const podsOf = async (job: string): Promise<V1Pod[]> =>
    (await core.listNamespacedPod({ namespace, labelSelector: `${jobNameLabel}=${job}` })).items;
  return {
    namespace,
    runner: (more: { queue?: string; priorityClass?: string } = {}): JobRunner =>
      createKubernetesJobRunner({
        cluster: neverEnding(connection),
        placement: {
          namespace,
          image: 'jobs',
          gpus: 1,
          userId: 10_001,
          env: {},
          graceSeconds: 1,
          queue: 'jobs',
          ...more,
        },
        log: () => undefined,
      }),
    podsOf,
    job: (name: string) => batch.readNamespacedJob({ namespace, name }),
    /** How many pods were ever made of a Job, also those of which nothing else is left. */
    starts: async (job: string): Promise<number> => {
      const { items } = await core.listNamespacedEvent({
        namespace,
        fieldSelector: `involvedObject.kind=Job,involvedObject.name=${job},reason=SuccessfulCreate`,
      });
      return items.reduce((sum, { count }) => sum + (count ?? 1), 0);
    },
    /** Lets the pod of a Job end well. */
    end: async (job: string): Promise<void> => {
      const pod = await until(async () => (await podsOf(job)).find(isLive));
      await letEnd(connection, namespace, pod.metadata?.name ?? '');
    },
    /** Whose Workloads there are. */
    workloadsOf: async (): Promise<string[]> => {
      const { items } = (await connection.custom.listNamespacedCustomObject({
        ...workloads,
        namespace,
      })) as KubernetesListObject<KubernetesObject>;
      return items.flatMap(({ metadata }) => metadata?.ownerReferences?.map(({ name }) => name) ?? []);
    },
  };
}
