import { afterEach, expect, test } from '@jest/globals';
import type { JobRunner, JobState, Wait } from '../../../domain/job/job.ts';
import { JobTracker, type JobReporter } from '../../../workers/jobs/job-tracker.ts';
import { jobOf } from '../../contract/jobs.ts';
import { until } from '../../support/until.ts';
import { fakeRunner, fakeReporter, success } from './tracker-fakes.ts';

const trackers: JobTracker[] = [];
afterEach(() => Promise.all(trackers.splice(0).map((tracker) => tracker.stop())));

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
