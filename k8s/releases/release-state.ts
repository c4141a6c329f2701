import type { V1ContainerStatus, V1Deployment, V1Pod } from '@kubernetes/client-node';
import { checkWait } from '../../domain/job/wait-limits.ts';
import { waitOfPod } from '../jobs/classify.ts';
import { inferenceServiceOf } from '../manifests/release-metadata.ts';

export type ReleaseState =
  | { readonly kind: 'available' }
  | { readonly kind: 'starting'; readonly detail: string }
  /** Its program keeps ending: the release is at fault. */
  | { readonly kind: 'broken'; readonly detail: string }
  /** Its program did not start: the cluster or the settings are at fault. */
  | { readonly kind: 'stuck'; readonly detail: string };

/** One or two ends may have an outside cause, such as a node short of memory. Three mean that the release is broken. */
const endingsOfBroken = 3;

/** Says if a release has its replicas, or what prevents it. Pure. */
export function classifyRelease(
  deployment: V1Deployment,
  pods: readonly V1Pod[],
  replicas: number,
  nowMs: number,
): ReleaseState {
  const { status, metadata } = deployment;
  const available = status?.availableReplicas ?? 0;
  const isCurrent = (status?.observedGeneration ?? 0) >= (metadata?.generation ?? 0);
  if (isCurrent && available >= replicas) return { kind: 'available' };
  const ending = pods
    .flatMap((pod) => pod.status?.containerStatuses ?? [])
    .find(({ restartCount }) => restartCount >= endingsOfBroken);
  if (ending) return { kind: 'broken', detail: wordsOf(ending) };
  const wait = pods.map(waitOfPod).find((found) => found !== undefined);
  const refused = status?.conditions?.find(
    (condition) => condition.type === 'ReplicaFailure' && condition.status === 'True',
  );
  const detail = [`${available} of ${replicas} replicas are ready`, wait?.message ?? refused?.message]
    .filter(Boolean)
    .join(': ');
  const given = wait && checkWait(wait, nowMs);
  // KServe fixes a Deployment's deadline at ten minutes, which is too short for some models to load.
  const late =
    !inferenceServiceOf(deployment) &&
    status?.conditions?.find(({ type, reason }) => type === 'Progressing' && reason === 'ProgressDeadlineExceeded');
  if (given || late) return { kind: 'stuck', detail: given?.reason ?? detail };
  return { kind: 'starting', detail };
}

/** Describes why a container ended, with the last lines of its log as the kubelet keeps them. */
function wordsOf({ name, restartCount, lastState, state }: V1ContainerStatus): string {
  const { exitCode, reason, message } = lastState?.terminated ?? state?.terminated ?? {};
  const why =
    reason === 'OOMKilled' ? 'it needs more memory than its limit allows' : `exit code ${exitCode ?? 'unknown'}`;
  return `its ${name} ended ${restartCount} times (${why})${message ? `:\n${message.trimEnd().split('\n').slice(-15).join('\n')}` : ''}`;
}
