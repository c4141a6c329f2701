import { spawnSync } from 'node:child_process';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { jobName } from '../../domain/names.ts';
import { tags } from '../../domain/lineage/tracking.ts';
import { JobFolders } from '../../local/job-folder.ts';
import { isGroupAlive } from '../../local/process-identity.ts';
import type { lifecycle } from '../../workflows/lifecycle.ts';
import { statusQuery } from '../../workflows/messages.ts';
import { makeTinyModel, repository, TestStack } from '../support/stack.ts';
import { stepsLogged, tinySpec, training, tuneRunsOf } from '../support/tiny-lifecycle.ts';

/**
 * What `npm start` shows: the real base model, real data and real training on a whole stack, from data to an answer.
 * Then a crash of worker and training, on the same stack with a model that trains in milliseconds.
 */
const example = join(repository, 'examples/specs/package-summaries.json');
/** Real training takes four minutes on two quiet cores, and several times that on a busy machine. */
const startTimeoutMs = 30 * 60_000;
let stack: TestStack;
let first: Awaited<ReturnType<TestStack['run']>>;

beforeAll(async () => {
  stack = await TestStack.start();
  first = await stack.run(example, 'first');
}, startTimeoutMs);
afterAll(() => stack.stop());

test('the example is promoted, and its gate says why', () => {
  expect(first.summary.reason).toBeUndefined();
  expect(first).toMatchObject({ code: 0, summary: { verdict: 'promoted', version: '1', model: 'package-summaries' } });
  expect(first.summary.gate.length).toBeGreaterThan(0);
  for (const { finding } of first.summary.gate) expect(finding).toMatch(/\[.+, .+\] at 95 %/);
  expect(first.summary.stages.map(({ stage, reused }) => [stage, reused])).toEqual([
    ['explore', false],
    ['prepare', false],
    ['tune', false],
    ['evaluate', false],
  ]);
});

test('the fine-tuned model beats the base model on held-out examples', () => {
  const figures = first.summary.stages.find(({ stage }) => stage === 'evaluate')?.figures ?? {};
  expect(figures['candidate/perplexity']).toBeLessThan((figures['base/perplexity'] ?? 0) / 1.5);
  expect(figures['candidate/rougeL']).toBeGreaterThan(figures['base/rougeL'] ?? 1);
});

test('progress is shown while it works', () => {
  expect(first.stderr).toMatch(/tune \d+\/\d+, loss \d+\.\d+, about \d+ s left/);
  expect(first.stderr).toMatch(/evaluate …/);
});

test('the curl line of the summary answers when it is pasted', () => {
  const { stdout } = spawnSync('sh', ['-c', first.summary.curl ?? 'false'], { encoding: 'utf8' });
  const answer = JSON.parse(stdout) as { choices: { message: { content: string } }[] };
  expect(answer.choices[0]?.message.content.trim()).not.toBe('');
  expect(stdout).not.toContain(repository);
});

test('MLflow holds the runs, the curve, the version and the prompt', async () => {
  const mlflow = stack.mlflow();
  const experiment = await mlflow.experiments.ensure('package-summaries');
  const [parent] = await mlflow.runs.findByTag(experiment, { [tags.workflowId]: 'first' });
  if (!parent) throw new Error('there is no run of the lifecycle');
  expect(parent).toMatchObject({ status: 'FINISHED', tags: { [tags.verdict]: 'promoted' } });
  const nested = await mlflow.runs.findByTag(experiment, { 'mlflow.parentRunId': parent.runId });
  expect(nested.map((run) => [run.name, run.status]).sort()).toEqual([
    ['evaluate', 'FINISHED'],
    ['explore', 'FINISHED'],
    ['prepare', 'FINISHED'],
    ['tune', 'FINISHED'],
  ]);
  const tune = nested.find((run) => run.name === 'tune');
  const losses = await mlflow.runs.metricHistory(tune?.runId ?? '', 'loss');
  expect(losses.length).toBe(Number(tune?.params['steps']));
  const prepare = await mlflow.runs.get(nested.find((run) => run.name === 'prepare')?.runId ?? '');
  expect(prepare.inputs.length).toBeGreaterThan(0);
  const explore = nested.find((run) => run.name === 'explore');
  const left = (await mlflow.artifacts.list(explore?.runId ?? '')).map(({ path }) => path);
  expect(left).toEqual(expect.arrayContaining(['profile.json', 'report.html']));

  const version = await mlflow.registry.getVersion('package-summaries', '1');
  expect(version.tags).toMatchObject({
    [tags.workflowId]: 'first',
    [tags.baseModel]: 'packaged:SmolLM2-135M-Instruct',
    [tags.promptVersion]: 'package-synopsis/1',
    [tags.dataDigest]: expect.stringMatching(/^sha256:/),
    [tags.codeRevision]: expect.stringMatching(/./),
    [tags.weightsDigest]: expect.stringMatching(/^sha256:/),
  });
  expect(await mlflow.registry.getAlias('package-summaries', 'champion')).toBe('1');
  expect((await mlflow.prompts.get('package-synopsis', '1')).text).toContain('{{description}}');
});

test('a second lifecycle reuses what did not change, and keeps the version', async () => {
  const second = await stack.run(example, 'second');
  expect(second).toMatchObject({ code: 0, summary: { verdict: 'promoted', version: '1' } });
  expect(second.summary.stages.map(({ reused }) => reused)).toEqual([true, true, true, true]);
});

test('a spec with wrong fields ends at once, names each of them, and leaves nothing behind', async () => {
  const path = join(stack.state, 'wrong.json');
  const good = tinySpec(join(stack.state, 'no-model'), 5, 1);
  await writeFile(
    path,
    JSON.stringify({ ...good, model: 'never-made', dat: {}, tune: { ...good.tune, steps: 'many' } }),
  );
  const jobsBefore = await readdir(join(stack.state, 'jobs', 'jobs'));
  const { code, summary } = await stack.run(path, 'wrong');
  expect(code).toBe(1);
  expect(summary.verdict).toBe('failed');
  expect(summary.reason).toMatch(/tune\.steps: expected a number, got "many"/);
  expect(summary.reason).toMatch(/dat: no such field; did you mean data\?/);
  expect(await readdir(join(stack.state, 'jobs', 'jobs'))).toEqual(jobsBefore);
  // Ask by name: `ensure` would make the experiment.
  const answer = await fetch(
    `${stack.services.addresses.mlflow}/api/2.0/mlflow/experiments/get-by-name?experiment_name=never-made`,
  );
  expect(answer.status).toBe(404);
});

test('after kill -9 of the worker the same training is adopted; after kill -9 of the training the next attempt resumes', async () => {
  const steps = 300;
  const tiny = await makeTinyModel();
  const client = await stack.client();
  const id = 'killed';
  const handle = await client.workflow.start<typeof lifecycle>('lifecycle', {
    taskQueue: 'tuneline',
    workflowId: id,
    args: [tinySpec(tiny, 1, steps)],
  });
  const name = jobName({ workflowId: id, firstExecutionRunId: handle.firstExecutionRunId, stage: 'tune', attempt: 1 });
  const folders = new JobFolders(join(stack.state, 'jobs'));

  const before = await training(folders, name);
  process.kill(stack.services.processes['worker']?.pid ?? NaN, 'SIGKILL');
  await stack.says(/worker is started again/);
  expect(isGroupAlive(before)).toBe(true);
  expect(await folders.claimant(name)).toEqual(before);
  expect((await readdir(folders.folder(name))).filter((file) => file.startsWith('claim.'))).toHaveLength(1);

  process.kill(-before.pid, 'SIGKILL');
  expect(await handle.result()).toMatchObject({ verdict: 'promoted' });
  const tuned = (await handle.query(statusQuery)).finished.find(({ stage }) => stage === 'tune');
  expect(tuned?.figures['resumedFromStep']).toBeGreaterThanOrEqual(40);
  const runs = await tuneRunsOf(stack.mlflow(), id);
  expect(runs.map(({ status }) => status).sort()).toEqual(['FAILED', 'FINISHED']);
  expect(runs.find(({ status }) => status === 'FAILED')?.tags[tags.failure]).toMatch(/^Evicted/);
  expect(await stepsLogged(stack.mlflow(), runs)).toEqual(Array.from({ length: steps }, (_, index) => index + 1));
  await client.connection.close();
  await rm(tiny, { recursive: true });
});
