import { afterAll, beforeAll } from '@jest/globals';
import { KubeConfig } from '@kubernetes/client-node';
import type { JobRunner } from '../../../domain/job/job.ts';
import { connectCluster, unlessMissing, type Cluster as Connection } from '../../../k8s/client.ts';
import { jobNameInSet, jobSetApi, setNameOf, type JobSet } from '../../../k8s/manifests/job-set.ts';
import { jobOn, phase } from '../../contract/jobs.ts';
import { givenKubeconfig, sharedCluster, startTimeoutMs, type Cluster } from './cluster.ts';
import { simulatedHarness, type SimulatedHarness } from './simulated-harness.ts';
import { workerByRole } from './worker-by-role.ts';

/** The shared cluster, and a worker that may do what the installed Role lets it. Nothing where a cluster was given. */
export function openJobSetLab(name: string) {
  const account = `worker-of-${name}`;
  let namespaces = 0;
  let cluster: Cluster;
  let config: KubeConfig;
  let admin: Connection;
  let worker: Connection;

  beforeAll(async () => {
    if (givenKubeconfig) return;
    cluster = await sharedCluster((message) => void process.stderr.write(`${message}\n`));
    config = new KubeConfig();
    config.loadFromFile(cluster.kubeconfigPath);
    admin = connectCluster(config);
    worker = await workerByRole(admin, account);
  }, startTimeoutMs);
  afterAll(() => cluster?.stop());

  const makeHarness = (more: { queue?: string } = {}): Promise<SimulatedHarness> =>
    simulatedHarness({
      namespace: `${name}-${process.pid}-${(namespaces += 1)}`,
      admin,
      through: worker,
      nodes: 2,
      nameInCluster: jobNameInSet,
      ...more,
    });

  const setOf = ({ namespace }: SimulatedHarness, job: string): Promise<JobSet | undefined> =>
    (
      admin.custom.getNamespacedCustomObject({
        ...jobSetApi,
        plural: 'jobsets',
        namespace,
        name: setNameOf(job),
      }) as Promise<JobSet>
    ).catch(unlessMissing);

  return {
    /** Available in hooks and tests, as is `worker`. */
    get admin() {
      return admin;
    },
    get worker() {
      return worker;
    },
    ...{ account, makeHarness, setOf },
  };
}

/** A Job on two nodes that runs until it is told to end. */
export async function running(runner: JobRunner, request = jobOn(2, { does: 'sleep' })): Promise<string> {
  await runner.create(request);
  await phase(runner, request.name, 'running');
  return request.name;
}
