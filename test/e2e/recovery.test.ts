import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Client } from '@temporalio/client';
import { jobName } from '../../domain/names.ts';
import { tags } from '../../domain/lineage/tracking.ts';
import { JobFolders } from '../../local/job-folder.ts';
import { isGroupAlive } from '../../local/process-identity.ts';
import type { Run } from '../../mlflow/index.ts';
import type { lifecycle } from '../../workflows/lifecycle.ts';
import { reviewUpdate, statusQuery } from '../../workflows/messages.ts';
import { makeTinyModel, TestStack } from '../support/stack.ts';
import { stepsLogged, tinySpec, training, tuneRunsOf } from '../support/tiny-lifecycle.ts';
import { until } from '../support/until.ts';

const steps = 150;
let stack: TestStack;
let client: Client;
let tinyModel: string;
let folders: JobFolders;

beforeAll(async () => {
  tinyModel = await makeTinyModel();
  stack = await TestStack.start();
  client = await stack.client();
  folders = new JobFolders(join(stack.state, 'jobs'));
});

afterAll(async () => {
  await client.connection.close();
  await stack.stop();
  await rm(tinyModel, { recursive: true });
});

const specOf = (seed: number) => tinySpec(tinyModel, seed, steps);

async function start(id: string, seed: number) {
  const handle = await client.workflow.start<typeof lifecycle>('lifecycle', {
    taskQueue: 'tuneline',
    workflowId: id,
    args: [specOf(seed)],
  });
  const { firstExecutionRunId } = handle;
  return {
    handle,
    nameOf: (stage: string, attempt = 1) => jobName({ workflowId: id, firstExecutionRunId, stage, attempt }),
  };
}

const tuneRuns = (id: string): Promise<Run[]> => tuneRunsOf(stack.mlflow(), id);

const allSteps = Array.from({ length: steps }, (_, i) => i + 1);
test('cancel: the process group is gone, and the runs in MLflow end KILLED', async () => {
  const { handle, nameOf } = await start('cancelled', 3);
  const running = await training(folders, nameOf('tune'));
  await handle.cancel();
  await expect(handle.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
  expect(isGroupAlive(running)).toBe(false);
  const [run] = await until(async () => {
    const runs = await tuneRuns('cancelled');
    return runs.every(({ status }) => status !== 'RUNNING') && runs;
  });
  expect(run?.status).toBe('KILLED');
  const experiment = await stack.mlflow().experiments.ensure('tiny');
  expect(
    (await stack.mlflow().runs.findByTag(experiment, { [tags.workflowId]: 'cancelled' })).map(({ status }) => status),
  ).toEqual(['KILLED']);
});

test('MLflow killed in the middle: the lifecycle waits for it and goes on, and the curve is whole', async () => {
  const { handle, nameOf } = await start('mlflow-killed', 4);
  await training(folders, nameOf('tune'));
  process.kill(-(stack.services.processes['mlflow']?.pid ?? NaN), 'SIGKILL');
  await stack.says(/mlflow is started again/);
  expect(await handle.result()).toMatchObject({ verdict: 'promoted' });
  expect(await stepsLogged(stack.mlflow(), await tuneRuns('mlflow-killed'))).toEqual(allSteps);
});

test('MLflow silent for a minute: the lifecycle waits for it and goes on, and the curve is whole', async () => {
  const { handle, nameOf } = await start('mlflow-silent', 8);
  await training(folders, nameOf('tune'));
  const group = -(stack.services.processes['mlflow']?.pid ?? NaN);
  process.kill(group, 'SIGSTOP');
  // The minute is the fault itself: the training ends within it, and nobody can be told.
  await delay(60_000);
  process.kill(group, 'SIGCONT');
  expect(await handle.result()).toMatchObject({ verdict: 'promoted' });
  expect(await stepsLogged(stack.mlflow(), await tuneRuns('mlflow-silent'))).toEqual(allSteps);
});

test('a path that is not there is refused at once, with the field', async () => {
  const path = join(stack.state, 'missing.json');
  await writeFile(
    path,
    JSON.stringify({
      ...specOf(6),
      model: 'never-made',
      data: { ...specOf(6).data, path: 'no/such/file.jsonl', target: 'synopsis' },
    }),
  );
  const { code, summary } = await stack.run(path, 'missing-path');
  expect(code).toBe(1);
  expect(summary.reason).toMatch(/data\.path: expected a file, but no\/such\/file\.jsonl does not exist/);
});

test("started and reviewed as Temporal's UI does it, a lifecycle runs the same", async () => {
  const ui = stack.services.addresses.temporalUi;
  const base = `${ui}/api/v1/namespaces/default/workflows`;
  const cookie =
    (await fetch(`${ui}/api/v1/settings`)).headers
      .getSetCookie()
      .find((c) => c.startsWith('_csrf='))
      ?.split(';')[0] ?? '';
  const payloads = (value: unknown) => ({
    payloads: [
      {
        metadata: { encoding: Buffer.from('json/plain').toString('base64') },
        data: Buffer.from(JSON.stringify(value)).toString('base64'),
      },
    ],
  });
  // What the UI's forms send: one JSON text that a person pasted.
  const send = (url: string, body: unknown) =>
    fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', cookie, 'x-csrf-token': cookie.replace('_csrf=', '') },
      body: JSON.stringify(body),
    });
  const started = await send(`${base}/from-the-ui`, {
    workflowType: { name: 'lifecycle' },
    taskQueue: { name: 'tuneline' },
    input: payloads({ ...specOf(7), requester: 'ada', review: { by: 'person', twoPersonRule: true } }),
  });
  expect({ status: started.status, text: await started.text() }).toMatchObject({ status: 200 });
  const handle = client.workflow.getHandle<typeof lifecycle>('from-the-ui');
  const digest = await until(
    async () => (await handle.query(statusQuery).catch(() => undefined))?.awaitingReview?.digest,
  );

  await expect(
    handle.executeUpdate(reviewUpdate, { args: [{ decision: 'approve', reviewer: 'Ada', digest }] }),
  ).rejects.toMatchObject({ cause: { message: expect.stringContaining('two-person rule') } });
  const stale = await stack.tuneline('review', 'from-the-ui', '--approve', '--digest', 'sha256:0');
  expect(stale).toMatchObject({ code: 1, stderr: expect.stringContaining('not the one under review') });

  const updated = await send(`${base}/from-the-ui/update/review`, {
    waitPolicy: { lifecycleStage: 'UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_COMPLETED' },
    request: {
      meta: { updateId: 'the-decision' },
      input: {
        name: 'review',
        args: payloads({ decision: 'approve', reviewer: 'grace', digest, comment: 'reads well' }),
      },
    },
  });
  expect({ status: updated.status, text: await updated.text() }).toMatchObject({ status: 200 });
  const result = await handle.result();
  if (result.verdict !== 'promoted') throw new Error(`approved, so promoted, but ${JSON.stringify(result)}`);
  const version = await stack.mlflow().registry.getVersion('tiny', result.version);
  expect(version.tags).toMatchObject({
    [tags.reviewer]: 'grace',
    [tags.reviewComment]: 'reads well',
    [tags.workflowId]: 'from-the-ui',
  });
});

test('a lifecycle that is rejected by a person promotes nothing and exits with 2', async () => {
  const path = join(stack.state, 'reviewed.json');
  await writeFile(path, JSON.stringify({ ...specOf(7), review: { by: 'person' } }));
  const champion = await stack.mlflow().registry.getAlias('tiny', 'champion');
  const running = stack.run(path, 'rejected');
  const handle = client.workflow.getHandle<typeof lifecycle>('rejected');
  await until(async () => (await handle.query(statusQuery).catch(() => undefined))?.awaitingReview);
  expect(await stack.tuneline('review', 'rejected', '--reject', '--comment', 'too terse')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('rejected by'),
  });
  const { code, summary } = await running;
  expect(code).toBe(2);
  expect(summary).toMatchObject({ verdict: 'rejected', reason: 'reviewer: too terse' });
  // As in the lifecycle before, so nothing ran again, but for the evaluation: that one had another champion to compare with.
  expect(summary.stages.map(({ reused }) => reused)).toEqual([true, true, true, false]);
  expect(await stack.mlflow().registry.getAlias('tiny', 'champion')).toBe(champion);
});

test('the log of each Job is kept in MLflow', async () => {
  const [run] = await tuneRuns('mlflow-killed');
  const log = new TextDecoder().decode(await stack.mlflow().artifacts.get(run?.runId ?? '', 'job/log.txt'));
  expect(log).toContain(`step ${steps}/`);
  expect(await readFile(join(stack.state, 'logs', 'worker.log'), 'utf8')).not.toMatch(/secret|Bearer/);
});
