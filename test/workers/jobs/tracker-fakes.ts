import { ChangeQueue } from '../../../domain/job/change-queue.ts';
import type { CancelCause, JobOutcome, JobRequest, JobRunner, JobState, Wait } from '../../../domain/job/job.ts';
import type { JobReporter } from '../../../workers/jobs/job-tracker.ts';

export const success: JobOutcome = { kind: 'succeeded', outputs: {}, figures: {} };

/** A runner whose Jobs end when the test says so, and which can be made unreachable. */
export function fakeRunner() {
  const states = new Map<string, JobState>();
  const open = new Map<string, JobRequest>();
  const hints = new ChangeQueue();
  const cancelled: { name: string; cause: CancelCause }[] = [];
  let failures = 0;
  let reads = 0;
  const runner: JobRunner = {
    create: () => Promise.resolve('created'),
    read: (name) =>
      ++reads && failures-- > 0
        ? Promise.reject(new Error('unreachable'))
        : Promise.resolve(states.get(name) ?? { phase: 'absent' }),
    listOpen: () => Promise.resolve([...open.values()]),
    watch: (signal) => hints.drain(signal),
    cancel: (name, cause) => {
      cancelled.push({ name, cause });
      states.set(name, { phase: 'finished', outcome: { kind: 'failed', failure: { class: cause, message: '' } } });
      hints.push(name);
      return Promise.resolve();
    },
    logTail: () => Promise.resolve(''),
    findOpen: (name) => Promise.resolve(open.get(name)),
    events: () => Promise.resolve(''),
    acknowledge: (name) => {
      open.delete(name);
      return Promise.resolve();
    },
  };
  return {
    runner,
    cancelled,
    open,
    reads: () => reads,
    hint: (name: string) => hints.push(name),
    failReads: (count: number) => (failures = count),
    run: (request: JobRequest, sinceMs = Date.now()) => {
      open.set(request.name, request);
      states.set(request.name, { phase: 'running', sinceMs });
    },
    wait: (request: JobRequest, wait: Wait) => {
      open.set(request.name, request);
      states.set(request.name, { phase: 'queued', wait });
    },
    list: (request: JobRequest, state: JobState) => {
      open.set(request.name, request);
      states.set(request.name, state);
    },
    end: (request: JobRequest, outcome = success) => {
      states.set(request.name, { phase: 'finished', outcome });
      hints.push(request.name);
    },
  };
}

/** Counts what it is told; each method may be made to fail a few times first. */
export function fakeReporter(faults: { record?: number; complete?: number; heartbeat?: 'gone' } = {}) {
  const calls: string[] = [];
  const waits: (string | undefined)[] = [];
  const told: string[] = [];
  const completed = Promise.withResolvers<JobOutcome>();
  let recordFaults = faults.record ?? 0;
  let completeFaults = faults.complete ?? 0;
  const reporter: JobReporter = {
    keepRecord: (_request, outcome) => {
      calls.push('record');
      return recordFaults-- > 0 ? Promise.reject(new Error('MLflow is down')) : Promise.resolve(outcome);
    },
    showWait: (_request, wait) => {
      waits.push(wait?.message);
      return Promise.resolve();
    },
    complete: ({ name }, outcome) => {
      calls.push('complete');
      told.push(name);
      if (completeFaults-- > 0) return Promise.reject(new Error('Temporal is down'));
      completed.resolve(outcome);
      return Promise.resolve('completed');
    },
    heartbeat: () => Promise.resolve(faults.heartbeat ?? 'waiting'),
  };
  return { reporter, calls, waits, told, completed: completed.promise };
}
