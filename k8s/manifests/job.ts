import type { V1Job } from '@kubernetes/client-node';
import { exitCodes, type JobRequest } from '../../domain/job.ts';

export interface JobPlacement {
  readonly namespace: string;
  /** By digest: a tag may mean another image tomorrow. */
  readonly image: string;
  readonly gpus: number;
  readonly env: Readonly<Record<string, string>>;
}

/** The digest and the owner travel with the Job, so that whoever finds it can compare, adopt and report. */
const annotation = {
  specDigest: 'tuneline.dev/spec-digest',
  workflowId: 'tuneline.dev/workflow-id',
  runId: 'tuneline.dev/run-id',
  activityId: 'tuneline.dev/activity-id',
} as const;

/** The Kubernetes Job of a request. It never retries by itself: the lifecycle does, with the failure's class in hand. */
export function jobManifest(request: JobRequest, { namespace, image, gpus, env }: JobPlacement): V1Job {
  const labels = { 'app.kubernetes.io/managed-by': 'tuneline', 'app.kubernetes.io/component': request.spec.stage };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: request.name,
      namespace,
      labels,
      annotations: {
        [annotation.specDigest]: request.specDigest,
        [annotation.workflowId]: request.owner.workflowId,
        [annotation.runId]: request.owner.runId,
        [annotation.activityId]: request.owner.activityId,
      },
    },
    spec: {
      backoffLimit: 0,
      activeDeadlineSeconds: request.maximumSeconds,
      podReplacementPolicy: 'Failed',
      podFailurePolicy: {
        rules: [
          // An eviction is nobody's failure and must not use up the Job.
          { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
          { action: 'FailJob', onExitCodes: { operator: 'In', values: [exitCodes.badSpec, exitCodes.badData, exitCodes.tryAgain] } },
        ],
      },
      template: {
        metadata: { labels, annotations: { 'cluster-autoscaler.kubernetes.io/safe-to-evict': 'false' } },
        spec: {
          restartPolicy: 'Never',
          automountServiceAccountToken: false,
          securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
          containers: [
            {
              name: 'job',
              image,
              args: [request.spec.stage],
              env: Object.entries({ ...env, TUNELINE_JOB: JSON.stringify(request.spec) }).map(([name, value]) => ({ name, value })),
              resources: gpus === 0 ? {} : { limits: { 'nvidia.com/gpu': String(gpus) } },
              securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
              terminationMessagePath: '/dev/termination-log',
              terminationMessagePolicy: 'File',
              volumeMounts: [{ name: 'shared-memory', mountPath: '/dev/shm' }],
            },
          ],
          // Data loaders and NCCL pass tensors through it, and the default of 64 MiB is too little.
          volumes: [{ name: 'shared-memory', emptyDir: { medium: 'Memory' } }],
        },
      },
    },
  } satisfies V1Job;
}
