import { randomUUID } from 'node:crypto';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { showBuilds } from '../../scripts/cli/builds.ts';
import { inspectBuilds } from '../../scripts/cli/doctor/temporal.ts';
import { listBuilds, makeCurrent, pinnedTo } from '../../workers/builds.ts';
import { buildIdOf } from '../../workers/code-identity.ts';
import { repository } from '../support/stack.ts';
import { bundleWorkflows, createWorker, startDevServer, untilHistory } from '../support/temporal.ts';
import { until } from '../support/until.ts';

let temporal: TestWorkflowEnvironment;
beforeAll(async () => void (temporal = await startDevServer()));
const stops: (() => Promise<void>)[] = [];
afterAll(async () => {
  await Promise.all(stops.map((stop) => stop()));
  await temporal.teardown();
});

const taskQueue = 'builds';

const code = {
  a: new URL('../workflows/fixtures/build-a.ts', import.meta.url),
  b: new URL('../workflows/fixtures/build-b.ts', import.meta.url),
};

async function startWorker(build: 'a' | 'b', deployment: string) {
  const workflowBundle = await bundleWorkflows({ source: code[build] });
  const worker = await createWorker(temporal, {
    taskQueue,
    workflowBundle,
    workerDeploymentOptions: pinnedTo(deployment, build),
  });
  const running = worker.run();
  stops.push(async () => {
    worker.shutdown();
    await running;
  });
}

const start = (type: 'pinned' | 'moves') =>
  temporal.client.workflow.start(type, { taskQueue, workflowId: `${type}-${randomUUID()}` });
const untilIdle = (handle: WorkflowHandle) =>
  untilHistory(handle, (events) => events.some((event) => event.workflowTaskCompletedEventAttributes));
const stateOf = async (deployment: string, build: string) =>
  (await listBuilds(temporal.client, deployment)).find(({ buildId }) => buildId === build)?.state;

test('what is in flight ends on its build, what starts and what moves goes to the new one, and the old one drains', async () => {
  const deployment = 'tuneline';
  expect(await listBuilds(temporal.client, deployment)).toEqual([]);
  await startWorker('a', deployment);
  await until(async () => (await stateOf(deployment, 'a')) === 'idle');
  expect(await inspectBuilds(temporal.client, { workerDeployment: deployment })).toMatchObject([
    { ok: false, detail: 'none of the deployment tuneline is current: its workers get no lifecycle' },
  ]);
  await until(() =>
    makeCurrent(temporal.client, deployment, 'a').then(
      () => true,
      () => false,
    ),
  );
  const [before, moving] = [await start('pinned'), await start('moves')];
  await Promise.all([untilIdle(before), untilIdle(moving)]);

  await expect(makeCurrent(temporal.client, deployment, 'b')).rejects.toThrow(
    'No worker of build b has asked for work in the deployment tuneline; seen were: a.',
  );
  await startWorker('b', deployment);
  await until(() =>
    makeCurrent(temporal.client, deployment, 'b').then(
      () => true,
      () => false,
    ),
  );
  expect(await stateOf(deployment, 'b')).toBe('current');
  expect(await inspectBuilds(temporal.client, { workerDeployment: deployment })).toMatchObject([
    { ok: true, detail: 'b is current, of 2 in the deployment tuneline' },
  ]);
  await until(async () => (await stateOf(deployment, 'a')) === 'draining');

  const after = await start('pinned');
  for (const handle of [before, after, moving]) await handle.signal('goOn');
  expect(await before.result()).toBe('ended on A');
  expect(await after.result()).toBe('ended on B');
  const moved = temporal.client.workflow.getHandle(moving.workflowId);
  await untilHistory(
    moved,
    (events) => events[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId !== '',
  );
  await moved.signal('goOn');
  expect(await moved.result()).toEqual(['B', 'B']);
});

test('a workflow that moves runs on a worker that is not versioned, too', async () => {
  const worker = await createWorker(temporal, {
    taskQueue: 'unversioned',
    workflowBundle: await bundleWorkflows({ source: code.b }),
  });
  const seen: unknown = await worker.runUntil(
    temporal.client.workflow.execute('moves', {
      taskQueue: 'unversioned',
      workflowId: 'unversioned',
      args: [['A', 'A']],
    }),
  );
  expect(seen).toEqual(['A', 'A']);
});

test('a build is its code: another line of a workflow is another build, a test is none', async () => {
  const copy = await mkdtemp(join(tmpdir(), 'tuneline-build-'));
  for (const part of [
    'workflows',
    'domain',
    'activities',
    'k8s',
    'local',
    'mlflow',
    'serving',
    'workers',
    'package-lock.json',
  ])
    await cp(join(repository, part), join(copy, part), { recursive: true });
  const build = await buildIdOf(repository);
  expect(build).toMatch(/^[0-9a-f]{16}$/);
  expect(await buildIdOf(copy)).toBe(build);
  await writeFile(join(copy, 'workflows', 'one-more.ts'), 'export {};\n');
  expect(await buildIdOf(copy)).not.toBe(build);
  await rm(copy, { recursive: true });
});

test('the list says which build may go', () => {
  const seenAt = '2026-11-27T08:00:00.000Z';
  expect(
    showBuilds(
      [
        { buildId: 'a', state: 'draining', seenAt },
        { buildId: 'b', state: 'current', seenAt },
        { buildId: 'c', state: 'drained', seenAt },
      ],
      'b',
    ).split('\n'),
  ).toEqual([
    `a  draining  since ${seenAt}  lifecycles run on it: keep its worker`,
    `b  current   since ${seenAt}  this code; what starts, starts on it`,
    `c  drained   since ${seenAt}  nothing runs on it: its worker may go`,
    '',
  ]);
});
