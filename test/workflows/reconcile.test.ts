import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker, type WorkflowBundle } from '@temporalio/worker';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Orphan } from '../../domain/orphan.ts';
import type { reconcile } from '../../workflows/reconcile.ts';
import { fakeActivities } from '../builders/activities.ts';
import { bundleWorkflows, startTimeSkipping } from '../support/temporal.ts';

let environment: TestWorkflowEnvironment;
let workflowBundle: WorkflowBundle;
beforeAll(async () => {
  environment = await startTimeSkipping();
  workflowBundle = await bundleWorkflows();
});
afterAll(() => environment.teardown());

const orphan = (job: string): Orphan => ({ job, workflowId: `asked for ${job}` });

/** Runs it where each look finds the next of the lists; what it returns, and which Jobs it ended. */
async function reconciled(...looks: string[][]) {
  const fakes = fakeActivities({ findOrphans: () => Promise.resolve((looks.shift() ?? []).map(orphan)) });
  const worker = await Worker.create({ connection: environment.nativeConnection, taskQueue: 'reconcile', workflowBundle, activities: fakes.activities });
  const { orphans } = await worker.runUntil(environment.client.workflow.execute<typeof reconcile>('reconcile', { taskQueue: 'reconcile', workflowId: 'reconcile' }));
  return { orphans, ended: fakes.argumentsOf('endOrphans').flatMap(([given]) => given) };
}

test('where every Job is awaited, nothing happens', async () => {
  expect(await reconciled([])).toEqual({ orphans: [], ended: [] });
});

test('an orphan is ended, and reported', async () => {
  expect(await reconciled(['a'], ['a'])).toEqual({ orphans: [orphan('a')], ended: [orphan('a')] });
});

test('a Job that somebody adopts between the two looks is left alone, and so is one that was not seen at the first', async () => {
  expect(await reconciled(['a', 'b'], ['b', 'c'])).toEqual({ orphans: [orphan('b')], ended: [orphan('b')] });
});
