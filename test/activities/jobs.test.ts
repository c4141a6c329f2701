import { describe, expect, test } from '@jest/globals';
import { createJobActivities } from '../../activities/jobs.ts';
import type { JobToRun, StageSpec } from '../../domain/job/job-request.ts';
import { jobStages, type StageTable } from '../../domain/job/stages.ts';
import { jobSpecSchema } from '../../domain/job/job-spec.ts';
import { JobConflictError, type CancelCause, type JobRequest, type JobRunner } from '../../domain/job/job.ts';
import { tags, type FinishedRun } from '../../domain/lineage/tracking.ts';
import { evaluateSpec, prepareSpec, tuneSpec } from '../../workflows/stages.ts';
import { artifact, fakeArtifacts } from '../builders/artifacts.ts';
import { inputs } from '../builders/inputs.ts';
import { failed, succeeded } from '../builders/job-reports.ts';
import { aSpec } from '../builders/specs.ts';
import { fakeTracking } from '../builders/tracking.ts';
import { activityEnvironment } from '../support/temporal.ts';

const tune = tuneSpec(aSpec(), inputs(), artifact('dataset'));

const job = (change: Partial<JobToRun> = {}): JobToRun => ({
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

interface Given {
  readonly finishedRun?: FinishedRun;
  readonly stored?: readonly string[];
  readonly create?: JobRunner['create'];
  readonly stages?: StageTable;
}

/** The Job activities, with what they made, tracked and cancelled. */
function jobActivities({
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

const left = { name: 'CompleteAsyncError' };
const runWith = (outcome: unknown): FinishedRun => ({
  runId: 'earlier',
  tags: { [tags.outcome]: JSON.stringify(outcome) },
});

test('a Job is made, watched, and left to complete the activity', async () => {
  const { runJob, made, tracked, changes } = jobActivities();
  expect(await runJob()).toMatchObject(left);

  const [request, ...more] = made;
  expect(more).toEqual([]);
  expect(tracked).toEqual([request]);
  expect(request).toMatchObject({
    owner: { workflowId: 'weekly', runId: 'this-run', activityId: '7' },
    maximumSeconds: 60,
    runId: 'job-run',
    spec: { runId: 'job-run' },
  });
  expect(changes).toEqual([
    [
      'openRun',
      {
        experiment: 'summaries',
        name: 'tune',
        parentRunId: 'parent-run',
        key: { key: tags.job, value: request?.name },
        tags: { [tags.stage]: 'tune', [tags.stageDigest]: expect.stringMatching(/^sha256:/) },
      },
    ],
  ]);
});

test('why there is another attempt stays with its run', async () => {
  const { runJob, changes } = jobActivities();
  await runJob(job({ because: 'after GpuOutOfMemory: batchSize 4' }));
  expect(changes).toMatchObject([['openRun', { tags: { [tags.because]: 'after GpuOutOfMemory: batchSize 4' } }]]);
});

const judgedClosely = { evaluate: { examples: 16, slices: ['source'], attacks: true, costPerHour: 2 } };

test.each<[string, StageSpec]>([
  ['tune', tune],
  ['prepare', prepareSpec(aSpec(), inputs())],
  ['prepare', prepareSpec(aSpec(judgedClosely), inputs())],
  [
    'evaluate',
    evaluateSpec(aSpec(), inputs(), artifact('dataset'), { base: artifact('base'), candidate: artifact('model') }),
  ],
  ['evaluate', evaluateSpec(aSpec(judgedClosely), inputs(), artifact('dataset'), { candidate: artifact('model') })],
])('the Job of %s is told what its schema asks for', async (stage, spec) => {
  const { runJob, made } = jobActivities();
  await runJob(job({ spec, identity: { ...job().identity, stage } }));
  expect(jobSpecSchema.safeParse(made[0]?.spec).error).toBeUndefined();
});

test('where curves go besides is no part of what is computed', async () => {
  const [plain, mirrored] = [jobActivities(), jobActivities()];
  await plain.runJob();
  await mirrored.runJob(
    job({
      tracking: {
        experiment: 'summaries',
        parentRunId: 'parent-run',
        inputDigests: [artifact('code').digest],
        reuse: true,
        wandb: true,
      },
    }),
  );
  expect(mirrored.made[0]?.spec).toEqual({ ...plain.made[0]?.spec, wandb: { project: 'summaries' } });
  expect(jobSpecSchema.safeParse(mirrored.made[0]?.spec).error).toBeUndefined();
  expect(mirrored.made[0]?.specDigest).toBe(plain.made[0]?.specDigest);
  expect(mirrored.changes).toEqual(plain.changes);
});

test('the output of each Job is under its own name, what evaluations keep is shared by all', async () => {
  const { runJob, made } = jobActivities();
  await runJob(
    job({
      spec: evaluateSpec(aSpec(), inputs(), artifact('dataset'), {}),
      identity: { ...job().identity, stage: 'evaluate' },
    }),
  );
  expect(made[0]?.spec).toMatchObject({
    output: artifact(`jobs/${made[0]?.name ?? ''}`).uri,
    cache: artifact('evaluations').uri,
  });
  expect(made[0]?.spec).not.toHaveProperty('checkpoints');
});

test('one identity is one name and one spec digest; the next attempt is another Job, on the same checkpoints', async () => {
  const { runJob, made } = jobActivities();
  await runJob();
  await runJob();
  await runJob(job({ identity: { ...job().identity, attempt: 2 } }));

  const [first, again, next] = made;
  expect(again).toEqual(first);
  expect(next?.name).not.toBe(first?.name);
  expect(next?.spec['output']).not.toBe(first?.spec['output']);
  expect(next?.spec['checkpoints']).toBe(first?.spec['checkpoints']);
});

test('an own stage gets the folders that the stage table gives it', async () => {
  const score = {
    module: 'team.score',
    usesGpu: false,
    longRunning: false,
    distributed: false,
    outputs: ['scores'],
    folders: ['output'],
  } as const;
  const { runJob, made } = jobActivities({ stages: { ...jobStages, score } });
  expect(
    await runJob(job({ spec: { stage: 'score', rows: 7 }, identity: { ...job().identity, stage: 'score' } })),
  ).toMatchObject(left);
  expect(made[0]?.spec).toEqual({
    stage: 'score',
    rows: 7,
    output: artifact(`jobs/${made[0]?.name ?? ''}`).uri,
    runId: 'job-run',
  });
});

describe('an earlier success', () => {
  const { outcome } = succeeded('model');

  test('with the same inputs stands in for the Job', async () => {
    const { runJob, made, changes } = jobActivities({ finishedRun: runWith(outcome) });
    expect(await runJob()).toEqual({ outcome, reused: true });
    expect([made, changes]).toEqual([[], []]);
  });

  test.each<[string, Given, Partial<JobToRun>]>([
    ['whose output is gone', { finishedRun: runWith(succeeded('model', 'curve').outcome), stored: ['model'] }, {}],
    ['that was none', { finishedRun: runWith(failed('BadData').outcome) }, {}],
    ['that left no outcome', { finishedRun: { runId: 'earlier', tags: {} } }, {}],
    [
      'where reuse was not asked for',
      { finishedRun: runWith(outcome) },
      { tracking: { experiment: 'summaries', parentRunId: 'p', inputDigests: [], reuse: false } },
    ],
  ])('%s does not', async (_what, given, change) => {
    const { runJob, made } = jobActivities(given);
    expect(await runJob(job(change))).toMatchObject(left);
    expect(made).toHaveLength(1);
  });

  test('is looked for by the spec and by what it names only by reference', async () => {
    const stageDigestOf = async (change: Partial<JobToRun>): Promise<unknown> => {
      const { runJob, changes } = jobActivities();
      await runJob(job(change));
      return (changes[0]?.[1] as { tags: Record<string, string> }).tags[tags.stageDigest];
    };
    const digest = await stageDigestOf({});
    expect(
      await stageDigestOf({ identity: { ...job().identity, workflowId: 'another', attempt: 3 }, maximumSeconds: 5 }),
    ).toBe(digest);
    expect(await stageDigestOf({ spec: tuneSpec(aSpec({ seed: 8 }), inputs(), artifact('dataset')) })).not.toBe(digest);
    expect(
      await stageDigestOf({ spec: tuneSpec(aSpec(), { ...inputs(), gpusPerNode: 8 }, artifact('dataset')) }),
    ).not.toBe(digest);
    expect(
      await stageDigestOf({ spec: tuneSpec(aSpec({ tune: { steps: 10, nodes: 2 } }), inputs(), artifact('dataset')) }),
    ).not.toBe(digest);
    const otherCode = {
      experiment: 'summaries',
      parentRunId: 'parent-run',
      inputDigests: [artifact('other code').digest],
      reuse: true,
    };
    expect(await stageDigestOf({ tracking: otherCode })).not.toBe(digest);
  });
});

test('what an earlier success wrote and was removed since is made anew', async () => {
  const outcome = { kind: 'succeeded', outputs: { model: artifact('model') }, figures: {} };
  const { runJob } = jobActivities({
    finishedRun: {
      ...runWith(outcome),
      tags: { ...runWith(outcome).tags, [tags.removed]: '2026-11-26T00:00:00.000Z' },
    },
  });
  expect(await runJob()).toMatchObject(left);
});

describe('a Job that can not be made', () => {
  test('because another spec has its name, fails for good', async () => {
    const { runJob, tracked } = jobActivities({
      create: () => Promise.reject(new JobConflictError('tl-weekly is taken')),
    });
    expect(await runJob()).toMatchObject({
      type: 'JobConflictError',
      nonRetryable: true,
      message: 'tl-weekly is taken',
    });
    expect(tracked).toEqual([]);
  });

  test('because the runner is away, is left to Temporal to try again', async () => {
    const away = new Error('connection refused');
    const { runJob, tracked } = jobActivities({ create: () => Promise.reject(away) });
    expect(await runJob()).toBe(away);
    expect(tracked).toEqual([]);
  });
});

test('a cancel ends the Job of that identity, with its cause', async () => {
  const { runJob, cancelJob, made, cancelled } = jobActivities();
  await runJob();
  await cancelJob(job().identity);
  expect(cancelled).toEqual([[made[0]?.name, 'Deleted']]);
});
