import { describe, expect, test } from '@jest/globals';
import type { JobToRun } from '../../domain/job/job-request.ts';
import { tags } from '../../domain/lineage/tracking.ts';
import { tuneSpec } from '../../workflows/stages.ts';
import { artifact } from '../builders/artifacts.ts';
import { inputs } from '../builders/inputs.ts';
import { failed, succeeded } from '../builders/job-reports.ts';
import { aSpec } from '../builders/specs.ts';
import { jobActivities, runWith, type Given, job, left } from './job-activities.ts';

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
  ])('%s does not stand in for the Job', async (_what, given, change) => {
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

test('a Job runs again where the output of the earlier success was removed', async () => {
  const outcome = { kind: 'succeeded', outputs: { model: artifact('model') }, figures: {} };
  const { runJob } = jobActivities({
    finishedRun: {
      ...runWith(outcome),
      tags: { ...runWith(outcome).tags, [tags.removed]: '2026-11-26T00:00:00.000Z' },
    },
  });
  expect(await runJob()).toMatchObject(left);
});
