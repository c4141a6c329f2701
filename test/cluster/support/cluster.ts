import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { shared } from '../../support/shared.ts';
import { Components } from './components.ts';
import { startControlPlane } from './control-plane.ts';
import { startGpuNodes } from './gpu-nodes.ts';
import { buildJobSet, startJobSet } from './managers/job-set.ts';
import { buildKserve, startKserve } from './managers/kserve.ts';
import { buildKueue, startKueue } from './managers/kueue.ts';
import { buildPrograms } from './programs.ts';
import { startRealNode, type RealNode, type RealNodeOptions } from './real-node/real-node.ts';

export interface Cluster {
  readonly kubeconfigPath: string;
  /** There if it was asked for. */
  readonly realNode?: RealNode;
  /** Ends every process and removes what they stored. Idempotent. */
  stop(): Promise<void>;
}

export interface ClusterOptions {
  readonly report: (message: string) => void;
  readonly gpuNodes?: number;
  readonly gpusPerNode?: number;
  /** Kueue's manager, built from source at the first time. */
  readonly withKueue?: boolean;
  /** JobSet's, likewise. */
  readonly withJobSet?: boolean;
  /** KServe's controller, likewise. */
  readonly withKserve?: boolean;
  /** A node whose pods really run. Only root on Linux can have one: see `noRealNode`. */
  readonly realNode?: RealNodeOptions;
}

/**
 * A cluster with Kueue, JobSet and 16 simulated GPUs for suites that do not change the cluster itself: the one that all
 * suites of a run share, or one of this file's own. Namespaces and cluster-wide objects need names of the suite's own.
 */
export async function sharedCluster(report: ClusterOptions['report']): Promise<Cluster> {
  const found = givenKubeconfig ? undefined : await shared<{ readonly kubeconfigPath: string }>('cluster');
  if (found) return { ...found, stop: () => Promise.resolve() };
  return startCluster({ report, withKueue: true, withJobSet: true });
}

/** For the hook that starts a cluster: the first one is built from source, which takes ten minutes on two quiet cores. */
export const startTimeoutMs = 40 * 60_000;

/** The kubeconfig of a cluster that tests use in place of their own. */
export const givenKubeconfig = process.env['TUNELINE_TEST_KUBECONFIG'];

/**
 * A Kubernetes of its own on free loopback ports: a real control plane, and nodes that only say what they do
 * (`kwok-stages.yaml`). TUNELINE_TEST_KUBECONFIG names a cluster to use in its place, as it is.
 */
export async function startCluster({
  report,
  gpuNodes = 2,
  gpusPerNode = 8,
  withKueue = false,
  withJobSet = false,
  withKserve = false,
  realNode: wanted,
}: ClusterOptions): Promise<Cluster> {
  if (givenKubeconfig) {
    report(`using the cluster of ${givenKubeconfig}`);
    return { kubeconfigPath: givenKubeconfig, stop: () => Promise.resolve() };
  }
  const programs = await buildPrograms({ env: process.env, report });
  const kueue = withKueue ? await buildKueue({ env: process.env, report }) : undefined;
  const jobSet = withJobSet ? await buildJobSet({ env: process.env, report }) : undefined;
  const kserve = withKserve ? await buildKserve({ env: process.env, report }) : undefined;
  const startedAt = performance.now();
  const components = new Components(await mkdtemp(join(tmpdir(), 'tuneline-cluster-')));
  const stop = async (): Promise<void> => {
    await components.stop();
    await rm(components.folder, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const kubeconfigPath = await startControlPlane(components, programs.controlPlane);
    if (gpuNodes > 0)
      await startGpuNodes(components, { kwok: programs.kwok, kubeconfigPath, nodes: gpuNodes, gpusPerNode });
    const realNode =
      wanted &&
      (await startRealNode(components, { ...wanted, controlPlane: programs.controlPlane, kubeconfigPath, report }));
    if (jobSet) await startJobSet(components, { jobSet, kubeconfigPath });
    if (kueue) await startKueue(components, { kueue, kubeconfigPath, jobSets: withJobSet });
    if (kserve) await startKserve(components, { kserve, kubeconfigPath });
    report(`the cluster is ready, after ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
    return { kubeconfigPath, realNode, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
