import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { isAwaited } from '../../workers/executions.ts';
import { ensureSchedules } from '../../workers/schedules/schedules.ts';
import { ensureSearchAttributes } from '../../workers/search-attributes.ts';
import { fakeActivities, stop } from '../builders/activities.ts';
import { specInput } from '../builders/specs.ts';
import { bundleWorkflows, createWorker, startDevServer } from '../support/temporal.ts';

let server: TestWorkflowEnvironment;
beforeAll(async () => {
  server = await startDevServer();
  await ensureSearchAttributes(server.client);
});
afterAll(() => server.teardown());

const start = async (workflowId: string) => {
  const { firstExecutionRunId: runId } = await server.client.workflow.start('lifecycle', {
    taskQueue: 'nobody',
    workflowId,
    args: [specInput()],
  });
  return { workflowId, runId, activityId: '1' };
};
const awaited = (owner: { workflowId: string; runId: string; activityId: string }) => isAwaited(server.client, owner);

test('an execution that runs awaits its Job; one that has ended or never was does not', async () => {
  const owner = await start('ended');
  expect(await awaited(owner)).toBe(true);
  await server.client.workflow.getHandle('ended').terminate();
  expect(await awaited(owner)).toBe(false);
  expect(await awaited({ ...owner, workflowId: 'never' })).toBe(false);
});

test('another execution of the same name has nothing to do with the Job', async () => {
  const owner = await start('again');
  await server.client.workflow.getHandle('again').terminate();
  await start('again');
  expect(await awaited(owner)).toBe(false);
});

test('an execution that was reset goes on, and awaits what its earlier run asked for', async () => {
  const { client } = server;
  const preparing = stop();
  const { activities } = fakeActivities({
    openLifecycle: () => preparing.hold().then(() => Promise.reject(new Error('not here'))),
  });
  const worker = await createWorker(server, {
    taskQueue: 'reset',
    workflowBundle: await bundleWorkflows(),
    activities,
  });
  await worker.runUntil(async () => {
    const { firstExecutionRunId: runId } = await client.workflow.start('lifecycle', {
      taskQueue: 'reset',
      workflowId: 'reset',
      args: [specInput()],
    });
    await preparing.reached;
    const { events } = await client.workflow.getHandle('reset').fetchHistory();
    const workflowTaskFinishEventId =
      events?.find((event) => event.workflowTaskCompletedEventAttributes)?.eventId ?? null;
    const reset = await client.workflowService.resetWorkflowExecution({
      namespace: client.options.namespace,
      workflowExecution: { workflowId: 'reset', runId },
      reason: 'test',
      workflowTaskFinishEventId,
      requestId: 'reset',
    });
    expect(reset.runId).not.toBe(runId);
    expect(await awaited({ workflowId: 'reset', runId, activityId: '1' })).toBe(true);
    await client.workflow.getHandle('reset').terminate();
    preparing.release();
  });
});

test('the schedule of reconcile is made once, and left as people changed it', async () => {
  await ensureSchedules(server.client);
  const schedule = server.client.schedule.getHandle('tuneline-reconcile');
  await schedule.pause('a person');
  await ensureSchedules(server.client);
  expect((await schedule.describe()).state).toMatchObject({ paused: true, note: 'a person' });
});
