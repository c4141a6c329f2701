import type { V1Job, V1Pod } from '@kubernetes/client-node';
import type { JobRunner } from '../../../domain/job/job.ts';
import { isLive } from '../../../k8s/jobs/classify.ts';
import type { Cluster as Connection } from '../../../k8s/client.ts';
import { createKubernetesJobRunner } from '../../../k8s/jobs/job-runner.ts';
import type { JobPlacement } from '../../../k8s/manifests/job.ts';
import { jobNameLabel } from '../../../k8s/names.ts';
import { said, type Behaviour } from '../../contract/jobs.ts';
import type { RunnerHarness } from '../../contract/job-runner.ts';
import { neverAnnotation } from './never-ending.ts';
import { withPodAnnotations } from './simulated-pods.ts';

/** What a simulated pod has to be told to behave as the suite asks. */
function annotationsOf(does: Behaviour): Record<string, string> {
  const message = (text: string, code = 0) => ({
    'tuneline.dev/test-message': text,
    'tuneline.dev/test-exit-code': String(code),
  });
  switch (does.does) {
    case 'succeed':
      return message(JSON.stringify({ ok: true, ...said(does.value) }));
    case 'exit':
      return message('no outcome', does.code);
    case 'report':
      return message(JSON.stringify(does.outcome), does.code);
    case 'print':
      return {};
    case 'sleep':
    case 'ignore SIGTERM':
      return { [neverAnnotation]: 'true' };
  }
}

export interface SimulatedHarness extends RunnerHarness {
  readonly namespace: string;
  /** The Job in the cluster. */
  readonly job: (name: string) => Promise<V1Job>;
  readonly podsOf: (name: string) => Promise<V1Pod[]>;
  /** Another runner, that places Jobs in another way. */
  readonly runnerWith: (placement: Partial<JobPlacement>) => JobRunner;
}

export interface SimulatedHarnessOptions extends Partial<JobPlacement> {
  readonly namespace: string;
  /** Whoever prepares the namespace, and looks at it. */
  readonly admin: Connection;
  /** What the runner goes through. */
  readonly through?: Connection;
  /** On every pod, whatever its Job does. */
  readonly annotations?: Record<string, string>;
  /** On how many nodes the suite's Jobs run. */
  readonly nodes?: number;
  /** What the cluster calls the Job of a request. */
  readonly nameInCluster?: (name: string) => string;
}

/** Runners in a new namespace under the restricted profile, on nodes that are told by annotations what their pods do. */
export async function simulatedHarness({
  namespace,
  admin,
  through = admin,
  annotations = {},
  nodes = 1,
  nameInCluster = (name) => name,
  ...placement
}: SimulatedHarnessOptions): Promise<SimulatedHarness> {
  const { core, batch } = admin;
  await core.createNamespace({
    body: { metadata: { name: namespace, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } } },
  });
  const runnerWith = (other: Partial<JobPlacement> = {}): JobRunner =>
    createKubernetesJobRunner({
      cluster: withPodAnnotations(through, (does) => ({ ...annotationsOf(does), ...annotations })),
      placement: {
        image: 'jobs@sha256:0000000000000000000000000000000000000000000000000000000000000000',
        gpus: 1,
        env: {},
        graceSeconds: 1,
        userId: 10_001,
        ...placement,
        ...other,
        namespace,
      },
      log: () => undefined,
    });
  const job = (name: string): Promise<V1Job> => batch.readNamespacedJob({ namespace, name: nameInCluster(name) });
  const podsOf = async (name: string): Promise<V1Pod[]> =>
    (await core.listNamespacedPod({ namespace, labelSelector: `${jobNameLabel}=${nameInCluster(name)}` })).items;
  return {
    namespace,
    runner: runnerWith(),
    runnerWith,
    successor: () => runnerWith(),
    job,
    podsOf,
    starts: async (name) => {
      const { active = 0, succeeded = 0, failed = 0 } = (await job(name)).status ?? {};
      return (active + succeeded + failed) / nodes;
    },
    live: async (name) => (await podsOf(name)).filter(isLive).length,
    close: async () => {
      await core.deleteNamespace({ name: namespace });
    },
  };
}
