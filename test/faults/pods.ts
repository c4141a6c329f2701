import type { ApiObject, NewObject } from './api-object.ts';

/** What becomes of a pod. Without `does` it runs and exits. */
export interface PodPlan {
  readonly does?: 'exit' | 'run for ever' | 'get evicted' | 'wait' | 'stay unscheduled';
  /** 0 where left out. */
  readonly exitCode?: number;
  /** The termination message. */
  readonly message?: string;
  /** Of the terminated container, or of the waiting one: `OOMKilled`, `ImagePullBackOff`. */
  readonly reason?: string;
  readonly log?: string;
}

/** `number` counts the pods of the Job from 1. Asked once for each pod, when it is created. */
export type Plan = (job: ApiObject, number: number) => PodPlan;

export const jobNameLabel = 'batch.kubernetes.io/job-name';
export const isFinished = (pod: ApiObject) => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
export const isTerminating = (object: ApiObject) => object.metadata.deletionTimestamp !== undefined;
export const has = (object: ApiObject, type: string) =>
  object.status?.conditions?.some((c) => c.type === type && c.status === 'True') === true;
const exitCodeOf = (pod: ApiObject) =>
  (pod.status?.containerStatuses?.[0]?.state['terminated'] as { exitCode: number } | undefined)?.exitCode;

export function isIgnored(job: ApiObject, pod: ApiObject): boolean {
  return (
    job.spec?.podFailurePolicy?.rules.some(
      (rule) => rule.action === 'Ignore' && rule.onPodConditions?.some(({ type }) => has(pod, type)),
    ) === true
  );
}

export function isFatal(job: ApiObject, pod: ApiObject): boolean {
  return (
    job.spec?.podFailurePolicy?.rules.some(
      (rule) => rule.action === 'FailJob' && rule.onExitCodes?.values.includes(exitCodeOf(pod) ?? 0),
    ) === true
  );
}

export function containerStatuses(
  pod: ApiObject,
  state: Record<string, unknown>,
): NonNullable<NonNullable<ApiObject['status']>['containerStatuses']> {
  const { name = 'main', image = 'image' } = pod.spec?.containers?.[0] ?? {};
  return [{ name, image, imageID: image, ready: 'running' in state, restartCount: 0, state }];
}

/** The pod that the Job's template makes. */
export function newPod(job: ApiObject, suffix: string): NewObject {
  const { name, uid } = job.metadata;
  const { metadata, spec } = job.spec?.template ?? {};
  const labels = {
    ...metadata?.labels,
    [jobNameLabel]: name,
    'job-name': name,
    'batch.kubernetes.io/controller-uid': uid,
  };
  const ownerReferences = [
    { apiVersion: 'batch/v1', kind: 'Job', name, uid, controller: true, blockOwnerDeletion: true },
  ];
  return {
    metadata: { ...metadata, name: `${name}-${suffix}`, labels, ownerReferences },
    spec,
    status: { phase: 'Pending' },
  };
}
