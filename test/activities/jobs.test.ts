import { describe, expect, test } from '@jest/globals';
import type { StageSpec } from '../../domain/job/job-request.ts';
import { jobSpecSchema } from '../../domain/job/job-spec.ts';
import { JobConflictError } from '../../domain/job/job.ts';
import { jobStages } from '../../domain/job/stages.ts';
import { tags } from '../../domain/lineage/tracking.ts';
import { evaluateSpec, prepareSpec } from '../../workflows/stages.ts';
import { artifact } from '../builders/artifacts.ts';
import { inputs } from '../builders/inputs.ts';
import { aSpec } from '../builders/specs.ts';
import { jobActivities, left, job, tune } from './job-activities.ts';

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

test('the run of another attempt keeps the reason for it', async () => {
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

test('mirroring curves to another tracker leaves the spec digest as it is', async () => {
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
