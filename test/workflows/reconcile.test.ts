import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { WorkflowBundle } from '@temporalio/worker';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Orphan } from '../../domain/job/job.ts';
import type { reconcile } from '../../workflows/reconcile.ts';
import { fakeActivities } from '../builders/activities.ts';
import { bundleWorkflows, createWorker, startTimeSkipping } from '../support/temporal.ts';

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
  const worker = await createWorker(environment, {
    taskQueue: 'reconcile',
    workflowBundle,
    activities: fakes.activities,
  });
  const { orphans } = await worker.runUntil(
    environment.client.workflow.execute<typeof reconcile>('reconcile', {
      taskQueue: 'reconcile',
      workflowId: 'reconcile',
    }),
  );
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

test('where champion was moved and no event said so, redeploy is started, once while it waits for its turn', async () => {
  const missed = { model: 'm', endpoint: 'e', alias: '2', recorded: '1' };
  const fakes = fakeActivities({ findMissedReleases: () => Promise.resolve([missed]) });
  const worker = await createWorker(environment, { taskQueue: 'missed', workflowBundle, activities: fakes.activities });
  const run = (workflowId: string) =>
    environment.client.workflow.execute<typeof reconcile>('reconcile', { taskQueue: 'missed', workflowId });
  await worker.runUntil(async () => {
    await run('missed-1');
    await run('missed-2');
  });
  const handle = environment.client.workflow.getHandle('redeploy-e-m');
  const { type, status } = await handle.describe();
  expect([type, status.name]).toEqual(['redeploy', 'RUNNING']);
  const [started] = (await handle.fetchHistory()).events ?? [];
  expect(JSON.parse(String(started?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0]?.data))).toEqual({
    model: 'm',
    endpoint: 'e',
    because: 'reconcile: champion of m names version 2, and e serves version 1',
  });
  await handle.terminate();
});
