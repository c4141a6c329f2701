import type { V1ContainerStatus, V1Job, V1Pod } from '@kubernetes/client-node';
import type { Failure } from '../../domain/job/failure.ts';
import { exitCodes, type CancelCause, type JobState, type Wait } from '../../domain/job/job.ts';
import { classifyEnding } from '../../domain/job/outcome.ts';
import { annotations, indexAnnotation } from '../names.ts';
import { waitOfWorkload, type Workload } from './workload.ts';

/**
 * The state of a Job, from the Job and its pods, read at one time. If it waits in a queue, the Workload says why. Pure.
 */
export function classifyJob(job: V1Job, pods: readonly V1Pod[], workload?: Workload): JobState {
  const cancelled = cancelledOf(job);
  if (
    pods.every((pod) => !isLive(pod)) &&
    (isBarred(job) || hasCondition(job, 'Complete') || hasCondition(job, 'Failed'))
  )
    return { phase: 'finished', outcome: outcomeOf(job, pods, cancelled) };
  const sinceMs = runningSince(job, pods);
  if (sinceMs !== undefined) return { phase: 'running', sinceMs };
  const wait = waitOf(job, pods, workload);
  return { phase: 'queued', wait };
}

export function cancelledOf(job: V1Job): { cause: CancelCause; reason: string } | undefined {
  const text = job.metadata?.annotations?.[annotations.cancelled];
  return text ? (JSON.parse(text) as { cause: CancelCause; reason: string }) : undefined;
}

/** True if the Job was cancelled before it ran. It never gets a pod, even if a queue admits it later. */
export const isBarred = (job: V1Job): boolean => cancelledOf(job) !== undefined && job.spec?.parallelism === 0;

/**
 * The pod whose end decides the outcome of the Job. On several nodes it is the pod that failed first by itself, else
 * the pod of node 0. If an eviction replaced a pod, it is the last one.
 */
export function decisivePod(pods: readonly V1Pod[]): V1Pod | undefined {
  const nodes = latestOfNodes(pods);
  if (!nodes.has(undefined)) {
    const failed = [...nodes.values()].filter((pod) => pod.status?.phase === 'Failed' || failureOfPod(pod));
    return failed.sort((a, b) => howSecondary(a) - howSecondary(b) || endMs(a) - endMs(b))[0] ?? nodes.get('0');
  }
  return nodes.get(undefined);
}

/**
 * Orders failed pods, causes before consequences: harmed from outside (0), failed itself (1), lost another pod (2),
 * ended (3).
 */
function howSecondary(pod: V1Pod): number {
  if (failureOfPod(pod)) return 0;
  const { exitCode, message } = mainStatus(pod)?.state?.terminated ?? {};
  const outcome = classifyEnding({ exitCode, message });
  if (outcome.kind === 'failed' && outcome.failure.class === 'NodeLost') return 2;
  return exitCode === exitCodes.terminated || exitCode === undefined ? 3 : 1;
}

/** The latest pod of each node, by the index of an Indexed Job. A Job on one node has the key undefined. */
const latestOfNodes = (pods: readonly V1Pod[]): ReadonlyMap<string | undefined, V1Pod> =>
  new Map(
    [...pods]
      .sort((a, b) => timeMs(a.metadata?.creationTimestamp) - timeMs(b.metadata?.creationTimestamp))
      .map((pod) => [pod.metadata?.annotations?.[indexAnnotation], pod]),
  );

/** A pod that may run something now or later. Phase `Unknown` counts: its node is unreachable, not dead. */
export const isLive = (pod: V1Pod): boolean => pod.status?.phase !== 'Succeeded' && pod.status?.phase !== 'Failed';

const hasCondition = (job: V1Job, type: string): boolean => condition(job, type) !== undefined;
const condition = (job: V1Job, type: string) =>
  job.status?.conditions?.find((c) => c.type === type && c.status === 'True');

function outcomeOf(job: V1Job, pods: readonly V1Pod[], cancelled: ReturnType<typeof cancelledOf>) {
  const decisive = decisivePod(pods);
  const failure = cancelled ? undefined : findFailure(job, decisive);
  if (failure) return { kind: 'failed' as const, failure };
  const ended = decisive && mainStatus(decisive)?.state?.terminated;
  return classifyEnding({ exitCode: ended?.exitCode, message: ended?.message, cancelled });
}

function findFailure(job: V1Job, decisive: V1Pod | undefined): Failure | undefined {
  if (!decisive) return failureWithoutPod(job);
  return failureOfPod(decisive) ?? disruptionOf(job, decisive);
}

/** One of several nodes was lost together with its pod. Only the Job's condition and the other pods show it. */
function disruptionOf(job: V1Job, decisive?: V1Pod): Failure | undefined {
  const { reason, message = '' } = condition(job, 'Failed') ?? {};
  if (
    reason !== 'PodFailurePolicy' ||
    !message.includes('DisruptionTarget') ||
    (decisive && howSecondary(decisive) < 2)
  )
    return undefined;
  return { class: 'Evicted', message };
}

/** A failure that the pod's own program can't report, because something else ended it. */
function failureOfPod(pod: V1Pod): Failure | undefined {
  const initialized = pod.status?.initContainerStatuses?.find((s) => (s.state?.terminated?.exitCode ?? 0) !== 0);
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  // Counts even if the main process ended well: the work of a killed child process is missing.
  if (statuses.some((s) => s.state?.terminated?.reason === 'OOMKilled'))
    return {
      class: 'HostOutOfMemory',
      message: 'The kernel ended the Job, because it used more memory than its limit allows.',
    };
  const disruption = pod.status?.conditions?.find((c) => c.type === 'DisruptionTarget' && c.status === 'True');
  if (disruption && pod.status?.phase === 'Failed')
    return {
      class: disruptionClasses[disruption.reason ?? ''] ?? 'Evicted',
      message: disruption.message ?? 'The pod was evicted.',
    };
  const { reason, message } = pod.status ?? {};
  if (reason === 'DeadlineExceeded')
    return { class: 'Deadline', message: message ?? 'The pod ran longer than it may.' };
  if (reason === 'Evicted') return { class: 'Evicted', message: message ?? 'The node evicted the pod.' };
  if (reason === 'NodeLost') return { class: 'NodeLost', message: message ?? 'The node that ran the pod is lost.' };
  const ended = (initialized ?? mainStatus(pod))?.state?.terminated;
  if (ended?.reason === 'StartError' || ended?.reason === 'ContainerCannotRun')
    return { class: 'BadConfig', message: ended.message ?? 'The container could not be started.' };
  if (initialized)
    return {
      class: 'BadConfig',
      message: `The container ${initialized.name} that prepares the pod ended with exit code ${ended?.exitCode}.`,
    };
  return undefined;
}

const disruptionClasses: Readonly<Record<string, Failure['class']>> = {
  PreemptionByScheduler: 'Preempted',
  DeletionByPodGC: 'NodeLost',
  DeletionByTaintManager: 'NodeLost',
};

function failureWithoutPod(job: V1Job): Failure {
  const failed = condition(job, 'Failed');
  if (failed?.reason === 'DeadlineExceeded')
    return { class: 'Deadline', message: failed.message ?? 'The Job ran longer than it may.' };
  return disruptionOf(job) ?? { class: 'Evicted', message: 'The pod was deleted before its end could be read.' };
}

/**
 * The time at which the Job began to run. A finished container counts as running until the Job is settled. A Job on
 * several nodes runs once all of its pods do, because the first ones only wait for the last.
 */
function runningSince(job: V1Job, pods: readonly V1Pod[]): number | undefined {
  const { completions = 1 } = job.spec ?? {};
  const starts = (completions > 1 ? [...latestOfNodes(pods).values()] : pods).flatMap((pod) => {
    const { running, terminated } = mainStatus(pod)?.state ?? {};
    const at = running?.startedAt ?? (pods.length === 1 || completions > 1 ? terminated?.startedAt : undefined);
    return at ? [timeMs(at)] : [];
  });
  if (completions > 1) return starts.length < completions ? undefined : Math.max(...starts);
  return starts.length === 0 ? undefined : Math.min(...starts);
}

const hopelessImage = ['InvalidImageName', 'ErrImageNeverPull'];
const imageReasons = ['ImagePullBackOff', 'ErrImagePull', 'RegistryUnavailable', 'ImageInspectError', ...hopelessImage];

function waitOf(job: V1Job, pods: readonly V1Pod[], workload?: Workload): Wait | undefined {
  const createdMs = timeMs(job.metadata?.creationTimestamp);
  if (job.spec?.suspend)
    return (
      (workload && waitOfWorkload(workload)) ?? {
        for: 'quota',
        sinceMs: createdMs,
        message: 'The queue has not admitted it yet.',
      }
    );
  if (pods.length === 0) return waitForPod(job);
  const waits = pods.filter(isLive).flatMap((pod) => waitOfPod(pod) ?? []);
  // On several nodes, show a hopeless wait first, then a pod that no node can take.
  return waits.find(({ hopeless }) => hopeless) ?? waits.find((wait) => wait.for === 'node') ?? waits[0];
}

/** Why a pod does not run yet. Undefined if its status does not say. */
export function waitOfPod(pod: V1Pod): Wait | undefined {
  const scheduled = pod.status?.conditions?.find((c) => c.type === 'PodScheduled');
  const sinceMs = timeMs(scheduled?.lastTransitionTime ?? pod.metadata?.creationTimestamp);
  if (scheduled?.status === 'False')
    return { for: 'node', sinceMs, message: scheduled.message ?? scheduled.reason ?? 'No node fits.' };
  const waiting = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])]
    .map((s) => s.state?.waiting)
    .find((w) => w !== undefined);
  if (!waiting) return undefined;
  const message = [waiting.reason, waiting.message].filter(Boolean).join(': ');
  if (imageReasons.includes(waiting.reason ?? ''))
    return {
      for: 'image',
      sinceMs,
      message,
      ...(hopelessImage.includes(waiting.reason ?? '') ? { hopeless: true } : {}),
    };
  return { for: 'start', sinceMs, message };
}

/** A Job keeps its last pod until it has the next one. Without any pod, it has had none since the queue admitted it. */
function waitForPod(job: V1Job): Wait | undefined {
  const resumed = job.status?.conditions?.find((c) => c.type === 'Suspended' && c.status === 'False');
  if (!resumed || hasCondition(job, 'FailureTarget') || hasCondition(job, 'SuccessCriteriaMet')) return undefined;
  return {
    for: 'start',
    sinceMs: timeMs(resumed.lastTransitionTime),
    message: 'The queue has admitted it, but no pod of it is made; the events of the Job may say why.',
  };
}

const mainStatus = (pod: V1Pod): V1ContainerStatus | undefined => pod.status?.containerStatuses?.[0];
const endMs = (pod: V1Pod): number => timeMs(mainStatus(pod)?.state?.terminated?.finishedAt);
const timeMs = (time: Date | undefined): number => (time === undefined ? 0 : new Date(time).getTime());
