import { isAbsolute, join, relative } from 'node:path';
import { connectCluster, type Cluster } from '../k8s/client.ts';
import { loadKubeConfig } from '../k8s/kube-config.ts';
import type { JobPlacement } from '../k8s/manifests/job.ts';
import { SetupError } from '../local/setup-error.ts';
import type { Config } from './config.ts';
import { silence } from './jobs/job-process.ts';

/**
 * The user of the images and of the Deployments in `k8s/install`. A worker that runs as root gives its storage to this
 * user.
 */
export const unprivilegedUser = 10_001;

export function connect(): Cluster {
  const kubeConfig = loadKubeConfig();
  if (kubeConfig) return connectCluster(kubeConfig);
  throw new SetupError(
    'No Kubernetes cluster is known here.\nhint: set KUBECONFIG, or run in a pod of the cluster; "kubectl get jobs" should work.',
  );
}

/** Enough time to write a checkpoint. */
export const jobGraceMs = 30_000;

/**
 * The placement of Jobs on a cluster. Undefined if this machine runs them. Throws a `SetupError` that names every
 * missing or wrong setting.
 */
export function placementOf(
  { folders, mlflow, runner, kubernetes, host }: Config,
  uid = process.getuid?.() ?? 0,
): JobPlacement | undefined {
  if (runner === 'local') return undefined;
  if (runner !== 'kubernetes') throw new SetupError(`TUNELINE_RUNNER: expected local or kubernetes, got "${runner}".`);
  const {
    namespace = 'tuneline',
    image,
    claim,
    gpus = '1',
    gpuProduct,
    memory,
    queue,
    priorityClass,
    secret,
  } = kubernetes;
  const mlflowUri = kubernetes.mlflowUri ?? mlflow.trackingUri;
  const state = relative(folders.home, folders.state);
  const problems = [
    image
      ? ''
      : 'TUNELINE_JOB_IMAGE: missing, expected the image of the Jobs by digest, made from k8s/install/jobs.Dockerfile',
    claim
      ? ''
      : 'TUNELINE_STORAGE_CLAIM: missing, expected the name of a PersistentVolumeClaim that holds TUNELINE_HOME',
    /^\d+$/.test(gpus) ? '' : `TUNELINE_JOB_GPUS: expected a whole number such as 1, or 0 for none, got "${gpus}"`,
    memory && !/^\d+(\.\d+)?([kMGT]|[KMGT]i)?$/.test(memory)
      ? `TUNELINE_JOB_MEMORY: expected an amount as Kubernetes writes it, such as 64Gi, got "${memory}"`
      : '',
    state.startsWith('..') || isAbsolute(state)
      ? `TUNELINE_STATE: expected a folder inside TUNELINE_HOME, which the claim holds, got ${folders.state}`
      : '',
    isLoopback(mlflowUri) && !host
      ? `${mlflow.embedded ? 'TUNELINE_HOST' : 'TUNELINE_JOB_MLFLOW_URI'}: missing, for no pod reaches ${mlflowUri}; expected ${mlflow.embedded ? "an address of this machine that pods reach, or MLFLOW_TRACKING_URI for a team's MLflow" : 'the address of MLflow as pods reach it'}`
      : '',
  ].filter((problem) => problem !== '');
  if (problems.length > 0 || !image || !claim)
    throw new SetupError(
      `Jobs can't run on Kubernetes yet:\n${problems.map((problem) => `  ${problem}\n`).join('')}hint: README.md, "On Kubernetes", sets each of them.`,
    );
  return {
    namespace,
    image,
    gpus: Number(gpus),
    userId: uid === 0 ? unprivilegedUser : uid,
    graceSeconds: Math.ceil(jobGraceMs / 1000),
    storage: {
      claim,
      mounts: [
        { mountPath: join(folders.home, 'models'), subPath: 'models', readOnly: true },
        { mountPath: join(folders.state, 'artifacts'), subPath: join(state, 'artifacts') },
      ],
    },
    // The root file system is read-only; /tmp is writable.
    env: {
      ...silence,
      HOME: '/tmp',
      HF_HOME: '/tmp/huggingface',
      PYTHONDONTWRITEBYTECODE: '1',
      MLFLOW_TRACKING_URI: mlflowUri,
    },
    gpuProduct,
    memory,
    queue,
    priorityClass,
    secret,
  };
}

const isLoopback = (uri: string): boolean => /^https?:\/\/(127\.|localhost|\[::1\])/.test(uri);
