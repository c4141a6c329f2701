import { createJobActivities } from '../../activities/jobs.ts';
import type { JobToRun } from '../../domain/job/job-request.ts';
import type { CancelCause, JobRequest, JobRunner } from '../../domain/job/job.ts';
import type { StageTable } from '../../domain/job/stages.ts';
import { tags, type FinishedRun } from '../../domain/lineage/tracking.ts';
import { tuneSpec } from '../../workflows/stages.ts';
import { artifact, fakeArtifacts } from '../builders/artifacts.ts';
import { inputs } from '../builders/inputs.ts';
import { aSpec } from '../builders/specs.ts';
import { fakeTracking } from '../builders/tracking.ts';
import { activityEnvironment } from '../support/temporal.ts';

export const tune = tuneSpec(aSpec(), inputs(), artifact('dataset'));

export const job = (change: Partial<JobToRun> = {}): JobToRun => ({
  identity: { workflowId: 'weekly', firstExecutionRunId: 'first-run', stage: 'tune', attempt: 1 },
  spec: tune,
  maximumSeconds: 60,
  tracking: {
    experiment: 'summaries',
    parentRunId: 'parent-run',
    inputDigests: [artifact('code').digest],
    reuse: true,
  },
  ...change,
});

export interface Given {
  readonly finishedRun?: FinishedRun;
  readonly stored?: readonly string[];
  readonly create?: JobRunner['create'];
  readonly stages?: StageTable;
}

/** The Job activities, with what they made, tracked and cancelled. */
export function jobActivities({
  finishedRun,
  stored = ['model'],
  create = () => Promise.resolve('created'),
  stages,
}: Given = {}) {
  const made: JobRequest[] = [];
  const tracked: JobRequest[] = [];
  const cancelled: [string, CancelCause][] = [];
  const unused = () => Promise.reject(new Error('no activity needs this'));
  const runner: JobRunner = {
    create: (request) => {
      made.push(request);
      return create(request);
    },
    cancel: (name, cause) => {
      cancelled.push([name, cause]);
      return Promise.resolve();
    },
    read: unused,
    listOpen: unused,
    findOpen: unused,
    logTail: unused,
    events: unused,
    acknowledge: unused,
    watch: () => {
      throw new Error('the tracker watches');
    },
  };
  const { tracking, changes } = fakeTracking(finishedRun && { finishedRun });
  const activities = createJobActivities({
    runner,
    track: (request) => tracked.push(request),
    tracking,
    artifacts: fakeArtifacts(stored),
    stages,
  });
  const environment = activityEnvironment({
    activityId: '7',
    workflowExecution: { workflowId: 'weekly', runId: 'this-run' },
  });
  return {
    ...{ made, tracked, cancelled, changes },
    cancelJob: activities.cancelJob,
    /** How it ended: with a report, or the name of what it threw. */
    runJob: (toRun = job()) => environment.run(activities.runJob, toRun).catch((error: unknown) => error),
  };
}

export const left = { name: 'CompleteAsyncError' };
export const runWith = (outcome: unknown): FinishedRun => ({
  runId: 'earlier',
  tags: { [tags.outcome]: JSON.stringify(outcome) },
});
