import type { V1Job, V1JobSpec, V1ObjectMeta } from '@kubernetes/client-node';
import { exitCodes, type JobOwner, type JobRequest } from '../../domain/job/job.ts';
import { entryOf, findStage, type StageTable } from '../../domain/job/stages.ts';
import { traceVariables, type JobTrace } from '../../domain/job/job-trace.ts';
import { annotations, containerName, jobVariable, labels, managedBy, nameOf, queueLabel } from '../names.ts';
import { gangEnv, gangSpec, nodesOf, type GangNames } from './gang.ts';

/** The namespace, image and resources of a cluster's Jobs. The same for all Jobs. */
export interface JobPlacement {
  readonly namespace: string;
  /** By digest, because a tag can move to another image. */
  readonly image: string;
  readonly env: Readonly<Record<string, string>>;
  /** GPUs of each pod, for stages that use GPUs. */
  readonly gpus: number;
  /** The value of the node label `nvidia.com/gpu.product` for the wanted GPU. */
  readonly gpuProduct?: string;
  /**
   * Bytes or a Kubernetes quantity. Above it the kernel ends the Job, and the lifecycle retries it with less memory
   * use.
   */
  readonly memory?: string;
  /** Time between SIGTERM and SIGKILL: long enough to save a checkpoint. */
  readonly graceSeconds: number;
  /** The user ID of the Job's program: the worker's own user, so that each can read the other's files. Never root. */
  readonly userId: number;
  /** A claim that every node can mount, and the folders of it that Jobs see, at the same paths as the worker. */
  readonly storage?: { readonly claim: string; readonly mounts: readonly StorageMount[] };
  /** A Secret whose keys become variables, such as MLflow's password. */
  readonly secret?: string;
  /** A Kueue LocalQueue: the Job waits, suspended, until its quota is free. */
  readonly queue?: string;
  readonly priorityClass?: string;
  /** Undefined: the product's own stages. */
  readonly stages?: StageTable | undefined;
}

export interface StorageMount {
  readonly mountPath: string;
  /** The path inside the claim. */
  readonly subPath: string;
  readonly readOnly?: boolean;
}

/** GPUs of each pod of the Job. A stage that is not in the table gets them, because it may need them to run. */
export const gpusOf = (
  { stage }: JobRequest['spec'],
  { gpus, stages }: Pick<JobPlacement, 'gpus' | 'stages'>,
): number => (findStage(stage, stages)?.usesGpu === false ? 0 : gpus);

/** The kubelet ends a pod this long after the Job's own deadline, in case no worker watches it. */
const unwatchedSeconds = 3600;

/**
 * The Kubernetes Job of a request. It never retries by itself: the lifecycle retries and knows the class of the
 * failure.
 */
export function jobManifest(request: JobRequest, placement: JobPlacement): V1Job {
  const { namespace, queue } = placement;
  const names = { job: request.name, service: request.name };
  const metadata = jobMetadata(request, names);
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      ...metadata,
      name: request.name,
      namespace,
      labels: { ...metadata.labels, ...(queue ? { [queueLabel]: queue } : {}) },
    },
    spec: { ...jobSpec(request, placement, names), ...(queue ? { suspend: true } : {}) },
  } satisfies V1Job;
}

/** Labels that find a Job until its end was reported, and annotations that restore its request. */
export const jobMetadata = (
  request: JobRequest,
  names: GangNames,
): Required<Pick<V1ObjectMeta, 'labels' | 'annotations'>> => ({
  labels: { ...ourLabels(request, names), [labels.open]: 'true' },
  annotations: {
    [annotations.specDigest]: request.specDigest,
    ...ownerAnnotations(request.owner),
    [annotations.maximumSeconds]: String(request.maximumSeconds),
    ...(request.runId ? { [annotations.mlflowRunId]: request.runId } : {}),
    ...(request.trace ? { [annotations.trace]: JSON.stringify(request.trace) } : {}),
  },
});

/** For both the Job and its pods. */
const ourLabels = ({ name, spec }: JobRequest, { job }: GangNames): Record<string, string> => ({
  [labels.name]: 'tuneline-job',
  [labels.partOf]: 'tuneline',
  [labels.managedBy]: managedBy,
  [labels.component]: spec.stage,
  ...(job === name ? {} : { [labels.job]: name }),
});

/** The spec of the Job. The same for a Job of the runner and a Job of a JobSet. */
export function jobSpec(request: JobRequest, placement: JobPlacement, names: GangNames): V1JobSpec {
  const { image, env, gpuProduct, memory, graceSeconds, userId, storage, secret, priorityClass, stages } = placement;
  const gpus = gpusOf(request.spec, placement);
  const nodes = nodesOf(request);
  const limits = { ...(gpus > 0 ? { 'nvidia.com/gpu': String(gpus) } : {}), ...(memory ? { memory } : {}) };
  return {
    ...gangSpec(nodes),
    backoffLimit: 0,
    podReplacementPolicy: 'Failed',
    podFailurePolicy: {
      rules: [
        // An eviction is not the Job's failure. On one node the Job continues from its checkpoint in another pod. On
        // several nodes the other pods can't continue, so the Job fails at once with the reason, and the lifecycle
        // creates the next one.
        { action: nodes > 1 ? 'FailJob' : 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
        {
          action: 'FailJob',
          onExitCodes: {
            containerName,
            operator: 'In',
            values: [exitCodes.badSpec, exitCodes.badData, exitCodes.tryAgain],
          },
        },
      ],
    },
    template: {
      metadata: {
        labels: ourLabels(request, names),
        annotations: { 'cluster-autoscaler.kubernetes.io/safe-to-evict': 'false' },
      },
      spec: {
        restartPolicy: 'Never',
        ...(nodes > 1 ? { subdomain: names.service } : {}),
        activeDeadlineSeconds: request.maximumSeconds + unwatchedSeconds,
        terminationGracePeriodSeconds: graceSeconds,
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        ...(gpus > 0 && gpuProduct ? { nodeSelector: { 'nvidia.com/gpu.product': gpuProduct } } : {}),
        ...(gpus > 0 ? { tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }] } : {}),
        priorityClassName: priorityClass,
        securityContext: {
          runAsNonRoot: true,
          runAsUser: userId,
          runAsGroup: userId,
          fsGroup: userId,
          seccompProfile: { type: 'RuntimeDefault' },
        },
        containers: [
          {
            name: containerName,
            image,
            args: [entryOf(request.spec.stage, stages)],
            ...(secret ? { envFrom: [{ secretRef: { name: secret } }] } : {}),
            env: [
              ...Object.entries({
                ...env,
                [jobVariable]: JSON.stringify(request.spec),
                ...traceVariables(request),
              }).map(([name, value]) => ({ name, value })),
              ...(findStage(request.spec.stage, stages)?.distributed ? gangEnv(request, gpus, names) : []),
            ],
            resources: Object.keys(limits).length === 0 ? {} : { limits, requests: limits },
            securityContext: {
              allowPrivilegeEscalation: false,
              readOnlyRootFilesystem: true,
              capabilities: { drop: ['ALL'] },
            },
            terminationMessagePath: '/dev/termination-log',
            terminationMessagePolicy: 'File',
            volumeMounts: [
              { name: 'shared-memory', mountPath: '/dev/shm' },
              { name: 'scratch', mountPath: '/tmp' },
              ...(storage?.mounts ?? []).map((mount) => ({ name: 'storage', ...mount })),
            ],
          },
        ],
        volumes: [
          // Data loaders and NCCL pass tensors through it. The default of 64 MiB is too small.
          { name: 'shared-memory', emptyDir: { medium: 'Memory' } },
          { name: 'scratch', emptyDir: {} },
          ...(storage ? [{ name: 'storage', persistentVolumeClaim: { claimName: storage.claim } }] : []),
        ],
      },
    },
  };
}

export const ownerAnnotations = ({ workflowId, runId, activityId }: JobOwner) => ({
  [annotations.workflowId]: workflowId,
  [annotations.runId]: runId,
  [annotations.activityId]: activityId,
});

/** The request, restored from the Job in the cluster. */
export function requestOf(job: V1Job): JobRequest | undefined {
  const { annotations: notes = {} } = job.metadata ?? {};
  const name = nameOf(job);
  const spec = job.spec?.template.spec?.containers
    .find((c) => c.name === containerName)
    ?.env?.find((e) => e.name === jobVariable)?.value;
  const specDigest = notes[annotations.specDigest];
  if (!name || !spec || !specDigest) return undefined;
  const runId = notes[annotations.mlflowRunId];
  const trace = notes[annotations.trace];
  return {
    name,
    owner: {
      workflowId: notes[annotations.workflowId] ?? '',
      runId: notes[annotations.runId] ?? '',
      activityId: notes[annotations.activityId] ?? '',
    },
    spec: JSON.parse(spec) as JobRequest['spec'],
    specDigest,
    maximumSeconds: Number(notes[annotations.maximumSeconds]),
    runId,
    ...(trace ? { trace: JSON.parse(trace) as JobTrace } : {}),
  };
}
