import type { Client } from '@temporalio/client';
import { expect, test } from '@jest/globals';
import type { FailureClass } from '../../../domain/job/failure.ts';
import type { JobOutcome, JobRunner } from '../../../domain/job/job.ts';
import { createJobReporter } from '../../../workers/jobs/job-reporter.ts';
import { fakeTracking } from '../../builders/tracking.ts';
import { jobOf } from '../../contract/jobs.ts';

const failed = (failureClass: FailureClass, message: string): JobOutcome => ({
  kind: 'failed',
  failure: { class: failureClass, message },
});
const log = 'step 1\nRuntimeError: NCCL error\nbye\n';

async function kept(outcome: JobOutcome, runId: string | undefined = 'run') {
  const { tracking, changes } = fakeTracking();
  const runner = {
    logTail: () => Promise.resolve(log),
    events: () => Promise.resolve('Warning Evicted\n'),
  } as Partial<JobRunner> as JobRunner;
  const reporter = createJobReporter({ client: Object.create(null) as Client, tracking, runner });
  const told = await reporter.keepRecord(
    { ...jobOf({ does: 'sleep' }), ...(runId === undefined ? {} : { runId }) },
    outcome,
  );
  return { told, changes };
}

test('of a failure MLflow keeps the log, the events and what to call it', async () => {
  const { told, changes } = await kept(failed('Evicted', 'The node was low on memory.'));
  expect(told).toEqual(failed('Evicted', 'The node was low on memory.'));
  expect(changes).toEqual([
    ['putText', 'run', 'job/log.txt', log],
    ['putText', 'run', 'job/events.txt', 'Warning Evicted\n'],
    ['setTags', 'run', { 'tuneline.failure': 'Evicted: The node was low on memory.' }],
    ['endRun', 'run', 'FAILED'],
  ]);
});

test('of a success it keeps the log and the outcome', async () => {
  const success: JobOutcome = { kind: 'succeeded', outputs: {}, figures: {} };
  const { told, changes } = await kept(success);
  expect(told).toEqual(success);
  expect(changes.map(([what, , path]) => (what === 'putText' ? path : what))).toEqual([
    'job/log.txt',
    'setTags',
    'endRun',
  ]);
});

test('a Job that could not say what went wrong has its log say it', async () => {
  const { told } = await kept(failed('Unknown', 'The process ended with exit code 1.'));
  expect(told).toEqual(
    failed('Unknown', 'The process ended with exit code 1. Its log says:\n  RuntimeError: NCCL error\n'),
  );
});

test('what the Job said itself needs no log', async () => {
  const outcome = failed('BadData', 'Row 7 has no synopsis.');
  expect((await kept(outcome)).told).toEqual(outcome);
});
