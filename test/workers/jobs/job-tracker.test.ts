import { afterEach, expect, test } from '@jest/globals';
import type { CancelCause, JobOutcome, JobRequest, JobRunner, JobState, Wait } from '../../../domain/job/job.ts';
import { HintQueue } from '../../../domain/job/change-queue.ts';
import { JobTracker, type JobReporter } from '../../../workers/jobs/job-tracker.ts';
import { jobOf } from '../../contract/job-runner.ts';
import { until } from '../../support/until.ts';

const success: JobOutcome = { kind: 'succeeded', outputs: {}, figures: {} };
const trackers: JobTracker[] = [];
afterEach(() => Promise.all(trackers.splice(0).map((tracker) => tracker.stop())));

/** A runner whose Jobs end when the test says so, and which can be made unreachable. */
function fakeRunner() {
  const states = new Map<string, JobState>();
  const open = new Map<string, JobRequest>();
  const hints = new HintQueue();
  const cancelled: { name: string; cause: CancelCause }[] = [];
  let failures = 0;
  let reads = 0;
  const runner: JobRunner = {
    create: () => Promise.resolve('created'),
    read: (name) => (++reads && failures-- > 0 ? Promise.reject(new Error('unreachable')) : Promise.resolve(states.get(name) ?? { phase: 'absent' })),
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
function fakeReporter(faults: { record?: number; complete?: number; heartbeat?: 'gone' } = {}) {
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

function track(runner: JobRunner, reporter: JobReporter, heartbeatMs = 60_000): JobTracker {
  const tracker = new JobTracker({ runner, reporter, heartbeatMs, log: () => undefined });
  trackers.push(tracker);
  tracker.start();
  return tracker;
}

test('an ended Job is reported once, however many hints there are', async () => {
  const jobs = fakeRunner();
  const { reporter, calls, completed } = fakeReporter();
  const request = jobOf({ does: 'sleep' });
  jobs.run(request);
  const tracker = track(jobs.runner, reporter);
  tracker.track(request);
  jobs.hint(request.name);
  jobs.end(request);
  for (let i = 0; i < 20; i++) jobs.hint(request.name);
  expect(await completed).toEqual(success);
  jobs.hint(request.name);
  await tracker.stop();
  expect(calls).toEqual(['record', 'complete']);
  expect(jobs.open.size).toBe(0);
});

test('a tracker that starts later finds the Jobs that an earlier one left', async () => {
  const jobs = fakeRunner();
  const request = jobOf({ does: 'sleep' });
  jobs.run(request);
  jobs.end(request);
  const { reporter, completed } = fakeReporter();
  track(jobs.runner, reporter);
  expect(await completed).toEqual(success);
});

test('the job record is kept before the report, and both are retried', async () => {
  const jobs = fakeRunner();
  const request = jobOf({ does: 'sleep' });
  jobs.run(request);
  const { reporter, calls, completed } = fakeReporter({ record: 1, complete: 1 });
  const tracker = track(jobs.runner, reporter);
  tracker.track(request);
  jobs.end(request);
  await completed;
  await tracker.stop();
  expect(calls).toEqual(['record', 'record', 'complete', 'record', 'complete']);
});

test('a runner that can not be read is a state, not a failure', async () => {
  const jobs = fakeRunner();
  const request = jobOf({ does: 'sleep' });
  jobs.run(request);
  jobs.failReads(3);
  const { reporter, completed } = fakeReporter();
  const tracker = track(jobs.runner, reporter, 20);
  tracker.track(request);
  jobs.end(request);
  expect(await completed).toEqual(success);
  expect(jobs.cancelled).toEqual([]);
});

test('a Job that runs longer than it may is ended as Deadline', async () => {
  const jobs = fakeRunner();
  const request = { ...jobOf({ does: 'sleep' }), maximumSeconds: 10 };
  jobs.run(request, Date.now() - 11_000);
  const { reporter, completed } = fakeReporter();
  track(jobs.runner, reporter).track(request);
  expect(await completed).toMatchObject({ kind: 'failed', failure: { class: 'Deadline' } });
});

test('a Job whose lifecycle is gone is ended, with the cause recorded', async () => {
  const jobs = fakeRunner();
  const request = jobOf({ does: 'sleep' });
  jobs.run(request);
  const { reporter, completed } = fakeReporter({ heartbeat: 'gone' });
  track(jobs.runner, reporter, 20).track(request);
  await completed;
  expect(jobs.cancelled[0]).toEqual({ name: request.name, cause: 'Deleted' });
});

test('a Job whose image can not be there is given up at once, with the reason', async () => {
  const jobs = fakeRunner();
  const request = jobOf({ does: 'sleep' });
  jobs.wait(request, { for: 'image', sinceMs: Date.now(), message: 'InvalidImageName', hopeless: true });
  const { reporter, completed } = fakeReporter();
  track(jobs.runner, reporter);
  expect(await completed).toMatchObject({ kind: 'failed', failure: { class: 'ImagePull' } });
  expect(jobs.cancelled).toEqual([{ name: request.name, cause: 'ImagePull' }]);
});

test('a Job that waits for its quota is left alone', async () => {
  const jobs = fakeRunner();
  const request = jobOf({ does: 'sleep' });
  jobs.wait(request, { for: 'quota', sinceMs: 0, message: 'not admitted' });
  const { reporter, completed } = fakeReporter();
  const tracker = track(jobs.runner, reporter);
  tracker.track(request);
  jobs.end(request);
  expect(await completed).toEqual(success);
  expect(jobs.cancelled).toEqual([]);
});

test('a Job that someone deleted is reported as that', async () => {
  const jobs = fakeRunner();
  const request = jobOf({ does: 'sleep' });
  const { reporter, completed } = fakeReporter();
  track(jobs.runner, reporter).track(request);
  expect(await completed).toMatchObject({ kind: 'failed', failure: { class: 'Deleted' } });
});

test('a Job that another worker made is found by its hint', async () => {
  const jobs = fakeRunner();
  const { reporter, completed } = fakeReporter();
  track(jobs.runner, reporter);
  const request = jobOf({ does: 'sleep' });
  jobs.run(request);
  jobs.end(request);
  expect(await completed).toEqual(success);
});

test('what a Job waits for is told once, and again when that is over', async () => {
  const jobs = fakeRunner();
  const request = jobOf({ does: 'sleep' });
  const wait: Wait = { for: 'node', sinceMs: Date.now(), message: 'Insufficient nvidia.com/gpu' };
  jobs.wait(request, wait);
  const { reporter, waits, completed } = fakeReporter();
  const tracker = track(jobs.runner, reporter, 10);
  tracker.track(request);
  await until(() => Promise.resolve(waits.length > 0));
  // Changed, but a moment ago: not every change of a scheduler's mind is history.
  jobs.wait(request, { ...wait, message: 'Insufficient memory' });
  const before = jobs.reads();
  jobs.hint(request.name);
  // The second of two looks begins when the first is done with what it saw.
  await until(() => Promise.resolve(jobs.reads() >= before + 2));
  jobs.run(request);
  await until(() => Promise.resolve(waits.length > 1));
  jobs.end(request);
  await completed;
  expect(waits).toEqual(['Insufficient nvidia.com/gpu', undefined]);
});

test.each(['runs at once', 'starts as quickly as any'])('a Job that %s says nothing of waiting', async (how) => {
  const jobs = fakeRunner();
  const request = jobOf({ does: 'sleep' });
  if (how === 'runs at once') jobs.run(request);
  else jobs.wait(request, { for: 'start', sinceMs: Date.now(), message: 'ContainerCreating' });
  const { reporter, waits, completed } = fakeReporter();
  const tracker = track(jobs.runner, reporter);
  tracker.track(request);
  jobs.end(request);
  await completed;
  expect(waits).toEqual([]);
});

test.each<[string, JobState]>([
  ['is gone', { phase: 'absent' }],
  ['was reported by another', { phase: 'finished', outcome: success, acknowledged: true }],
])('a Job that a list still showed, and that %s, is not reported again', async (_what, state) => {
  const jobs = fakeRunner();
  const [listed, next] = [jobOf({ does: 'sleep' }), jobOf({ does: 'sleep' })];
  jobs.list(listed, state);
  const { reporter, told } = fakeReporter();
  const tracker = track(jobs.runner, reporter, 10);
  jobs.run(next);
  tracker.track(next);
  jobs.end(next);
  await until(() => Promise.resolve(told.includes(next.name)));
  await tracker.stop();
  expect(told).toEqual([next.name]);
});
