import type { ApiObject } from './api-object.ts';
import { admit, conclude, condition, mark } from './job-transitions.ts';
import { seeded, type Random } from './faults.ts';
import {
  type Plan,
  type PodPlan,
  isFinished,
  isTerminating,
  newPod,
  isIgnored,
  has,
  isFatal,
  containerStatuses,
} from './pods.ts';
import type { Store } from './store.ts';

interface Move {
  readonly what: string;
  readonly apply: () => void;
}

/** Job controller, scheduler, kubelet, TTL and garbage collector in one: each `step` makes one of the moves that are open, at random. */
export class JobController {
  plan: Plan = () => ({});
  readonly #store: Store;
  readonly #random: Random;
  readonly #plans = new Map<string, PodPlan>();
  readonly #created = new Map<string, number>();
  readonly #deleteJob: (job: ApiObject) => void;
  #timer: NodeJS.Timeout | undefined;

  /** `deleteJob` is how the TTL controller deletes: in the foreground, and on record. */
  constructor(store: Store, seed: number, deleteJob: (job: ApiObject) => void) {
    this.#store = store;
    this.#random = seeded(Math.imul(seed + 1, 0x85ebca6b));
    this.#deleteJob = deleteJob;
  }

  /** What it did, or nothing if all is at rest. */
  step(): string | undefined {
    const moves = this.#moves();
    const move = moves[Math.floor(this.#random() * moves.length)];
    move?.apply();
    return move?.what;
  }

  /** Steps until all is at rest; clients are heard in between. */
  async settle(): Promise<void> {
    while (this.step() !== undefined) await new Promise((resolve) => setImmediate(resolve));
  }

  /** Steps by itself, once in `everyMs`, until `stop`. */
  start(everyMs = 1): void {
    this.stop();
    this.#timer = setInterval(() => this.step(), everyMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  logOf(pod: ApiObject): string {
    return this.#plans.get(pod.metadata.uid)?.log ?? '';
  }

  #moves(): Move[] {
    const jobs = this.#store.list('jobs');
    const owners = new Set(jobs.map((job) => job.metadata.uid));
    const orphans = this.#store
      .list('pods')
      .filter((pod) => pod.metadata.ownerReferences?.some(({ uid }) => !owners.has(uid)));
    return [...jobs.flatMap((job) => this.#movesOf(job)), ...orphans.map((pod) => this.#dismiss(pod))];
  }

  #movesOf(job: ApiObject): Move[] {
    const { name, namespace, uid, labels } = job.metadata;
    const pods = this.#store
      .list('pods', namespace)
      .filter((pod) => pod.metadata.ownerReferences?.some((owner) => owner.uid === uid));
    const active = pods.filter((pod) => !isFinished(pod));
    const move = (what: string, apply: () => void): Move => ({ what: `${what} ${name}`, apply });

    if (isTerminating(job))
      return pods.length > 0
        ? pods.map((pod) => this.#dismiss(pod))
        : [move('remove', () => this.#store.remove('jobs', job))];
    const leaving = pods
      .filter((pod) => isFinished(pod) && isTerminating(pod) && (job.status?.conditions || isIgnored(job, pod)))
      .map((pod) => this.#dismiss(pod));
    if (has(job, 'Complete') || has(job, 'Failed'))
      return job.spec?.ttlSecondsAfterFinished === undefined
        ? leaving
        : [...leaving, move('collect', () => this.#deleteJob(job))];
    if (has(job, 'FailureTarget'))
      return active.length > 0
        ? active.map((pod) => this.#dismiss(pod))
        : [move('fail', () => conclude(this.#store, job, 'Failed'))];
    if (has(job, 'SuccessCriteriaMet'))
      return [...leaving, move('complete', () => conclude(this.#store, job, 'Complete'))];
    if (job.spec?.suspend)
      return labels?.['kueue.x-k8s.io/queue-name'] ? [move('admit', () => admit(this.#store, job))] : [];

    const onward = [...leaving, ...active.flatMap((pod) => this.#movesOfPod(pod))];
    // The controller looks at the deadline first: past it, even a pod that has succeeded fails its Job.
    if ((job.spec?.activeDeadlineSeconds ?? Infinity) <= 1)
      return [
        ...onward,
        move('exceed deadline of', () =>
          mark(this.#store, job, 'FailureTarget', 'DeadlineExceeded', 'Job was active longer than specified deadline'),
        ),
      ];
    const counted = pods.find((pod) => isFinished(pod) && !isIgnored(job, pod));
    if (counted?.status?.phase === 'Succeeded')
      return [
        move('succeed', () =>
          mark(
            this.#store,
            job,
            'SuccessCriteriaMet',
            'CompletionsReached',
            'Reached expected number of succeeded pods',
          ),
        ),
      ];
    if (counted)
      return [
        move('count failure of', () =>
          mark(
            this.#store,
            job,
            'FailureTarget',
            isFatal(job, counted) ? 'PodFailurePolicy' : 'BackoffLimitExceeded',
            `Pod ${counted.metadata.name} failed`,
          ),
        ),
      ];
    return active.length > 0 ? onward : [...onward, move('create pod of', () => this.#createPod(job))];
  }

  #movesOfPod(pod: ApiObject): Move[] {
    const move = (
      what: string,
      change: (status: NonNullable<ApiObject['status']>, draft: ApiObject) => void,
    ): Move[] => [
      {
        what: `${what} ${pod.metadata.name}`,
        apply: () => {
          this.#store.update('pods', pod, (draft) => {
            change((draft.status ??= {}), draft);
            return undefined;
          });
        },
      },
    ];
    const plan = this.#plans.get(pod.metadata.uid) ?? {};
    const scheduled = pod.status?.conditions?.some((c) => c.type === 'PodScheduled');
    const end = (status: NonNullable<ApiObject['status']>, exitCode: number, reason: string, message?: string) => {
      const finishedAt = this.#store.timestamp();
      status.phase = exitCode === 0 ? 'Succeeded' : 'Failed';
      status.containerStatuses = containerStatuses(pod, {
        terminated: { exitCode, reason, message, startedAt: finishedAt, finishedAt },
      });
    };

    // Somebody deleted the pod alone: its finalizer keeps it until the Job has counted it.
    if (isTerminating(pod)) return move('end', (status) => end(status, 143, 'Error'));
    if (pod.spec?.nodeName === undefined) {
      if (plan.does !== 'stay unscheduled')
        return move('schedule', (status, draft) => {
          draft.spec = { ...draft.spec, nodeName: 'node-1' };
          status.conditions = [condition(this.#store, 'PodScheduled')];
        });
      return scheduled
        ? []
        : move(
            'cannot schedule',
            (status) =>
              void (status.conditions = [
                {
                  ...condition(this.#store, 'PodScheduled', 'Unschedulable', plan.message ?? '0/1 nodes are available'),
                  status: 'False',
                },
              ]),
          );
    }
    if (pod.status?.phase === 'Pending') {
      if (plan.does !== 'wait')
        return move('run', (status) => {
          status.phase = 'Running';
          status.containerStatuses = containerStatuses(pod, { running: { startedAt: this.#store.timestamp() } });
        });
      const waiting = { reason: plan.reason ?? 'ContainerCreating', message: plan.message ?? '' };
      return pod.status.containerStatuses
        ? []
        : move('keep waiting', (status) => void (status.containerStatuses = containerStatuses(pod, { waiting })));
    }
    if (plan.does === 'run for ever') return [];
    if (plan.does === 'get evicted')
      return move('evict', (status) => {
        end(status, 137, 'Error');
        status.conditions = [
          ...(status.conditions ?? []),
          condition(this.#store, 'DisruptionTarget', 'PreemptionByScheduler', 'preempted'),
        ];
      });
    const exitCode = plan.exitCode ?? 0;
    return move('finish', (status) =>
      end(status, exitCode, plan.reason ?? (exitCode === 0 ? 'Completed' : 'Error'), plan.message),
    );
  }

  /** First the deletion timestamp, then nothing. */
  #dismiss(pod: ApiObject): Move {
    const { name } = pod.metadata;
    if (isTerminating(pod)) return { what: `remove ${name}`, apply: () => this.#store.remove('pods', pod) };
    return {
      what: `terminate ${name}`,
      apply: () =>
        void this.#store.update(
          'pods',
          pod,
          (draft) => void (draft.metadata.deletionTimestamp = this.#store.timestamp()),
        ),
    };
  }

  #createPod(job: ApiObject): void {
    const { namespace, uid } = job.metadata;
    const suffix = Math.floor(this.#random() * 36 ** 5)
      .toString(36)
      .padStart(5, '0');
    const number = (this.#created.get(uid) ?? 0) + 1;
    const pod = this.#store.create('pods', namespace, newPod(job, suffix));
    this.#created.set(uid, number);
    this.#plans.set(pod.metadata.uid, this.plan(job, number));
    this.#store.update(
      'jobs',
      job,
      (draft) =>
        void (draft.status = {
          ...draft.status,
          active: 1,
          startTime: draft.status?.startTime ?? this.#store.timestamp(),
        }),
    );
  }
}
