import type { V1Pod } from '@kubernetes/client-node';
import type { JobRunner } from '../../../../domain/job/job.ts';
import type { Cluster as Connection } from '../../../../k8s/client.ts';
import { isLive } from '../../../../k8s/jobs/classify.ts';
import { createKubernetesJobRunner } from '../../../../k8s/jobs/job-runner.ts';
import type { JobPlacement } from '../../../../k8s/manifests/job.ts';
import { jobNameLabel } from '../../../../k8s/names.ts';
import type { RunnerHarness } from '../../../contract/job-runner.ts';

export interface RealHarness extends RunnerHarness {
  readonly namespace: string;
  readonly pod: (job: string) => Promise<V1Pod | undefined>;
  /** All that its program says, once it ended. */
  readonly followLog: (job: string) => Promise<string>;
}

/** A runner of Jobs in a new namespace, under the restricted profile. */
export async function realHarness(
  connection: Connection,
  placement: Pick<JobPlacement, 'namespace' | 'image'> & Partial<JobPlacement>,
): Promise<RealHarness> {
  const { namespace } = placement;
  await connection.core.createNamespace({
    body: { metadata: { name: namespace, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } } },
  });
  const make = (): JobRunner =>
    createKubernetesJobRunner({
      cluster: connection,
      placement: { gpus: 1, env: {}, graceSeconds: 1, userId: 10_001, ...placement },
      log: () => undefined,
    });
  const podsOf = async (name: string) =>
    (await connection.core.listNamespacedPod({ namespace, labelSelector: `${jobNameLabel}=${name}` })).items;
  return {
    runner: make(),
    successor: make,
    starts: async (name) => {
      const {
        active = 0,
        succeeded = 0,
        failed = 0,
      } = (await connection.batch.readNamespacedJob({ namespace, name })).status ?? {};
      return active + succeeded + failed;
    },
    live: async (name) => (await podsOf(name)).filter(isLive).length,
    namespace,
    pod: async (name) => (await podsOf(name))[0],
    followLog: async (name) =>
      connection.core.readNamespacedPodLog({
        namespace,
        name: (await podsOf(name))[0]?.metadata?.name ?? '',
        follow: true,
      }),
    close: async () => {
      await connection.core.deleteNamespace({ name: namespace });
    },
  };
}
