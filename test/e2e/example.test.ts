import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { tags } from '../../domain/tracking.ts';
import type { Summary } from '../../scripts/summary.ts';
import { repository, TestStack } from '../support/stack.ts';

/** The example as `npm start` runs it: the real base model, the real data, real training. */
const example = join(repository, 'examples/specs/package-summaries.json');
let stack: TestStack;
let first: Awaited<ReturnType<TestStack['run']>>;

beforeAll(async () => {
  stack = await TestStack.start();
  first = await stack.run(example, 'first');
});
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

test('the fine-tune beats the base model on held-out examples', () => {
  const figures = first.summary.stages.find(({ stage }) => stage === 'evaluate')?.figures ?? {};
  expect(figures['candidate/perplexity']).toBeLessThan((figures['base/perplexity'] ?? 0) / 1.5);
  expect(figures['candidate/rougeL']).toBeGreaterThan(figures['base/rougeL'] ?? 1);
});

test('progress was shown while it worked', () => {
  expect(first.stderr).toMatch(/tune \d+\/\d+, loss \d+\.\d+, about \d+ s left/);
  expect(first.stderr).toMatch(/evaluate …/);
});

test("the summary's curl line answers when pasted", () => {
  const { stdout } = spawnSync('sh', ['-c', first.summary.curl ?? 'false'], { encoding: 'utf8' });
  const answer = JSON.parse(stdout) as { choices: { message: { content: string } }[] };
  expect(answer.choices[0]?.message.content.trim()).not.toBe('');
  expect(stdout).not.toContain(repository);
});

test('the endpoint lists the model and streams', async () => {
  const { endpoint } = first.summary.addresses;
  const models = (await (await fetch(`${endpoint}/v1/models`)).json()) as { data: { id: string }[] };
  expect(models.data.map(({ id }) => id)).toEqual(['package-summaries']);
  const answer = await fetch(`${endpoint}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'package-summaries', stream: true, max_tokens: 8, messages: [{ role: 'user', content: 'Summarize: a fast web server.' }] }),
  });
  const events = (await answer.text()).split('\n\n').filter((event) => event.startsWith('data: {'));
  expect(events.length).toBeGreaterThan(1);
});

test('MLflow holds the story', async () => {
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
  expect((await mlflow.artifacts.list(explore?.runId ?? '')).map(({ path }) => path)).toEqual(expect.arrayContaining(['profile.json', 'report.html']));

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

describe('by schedule', () => {
  const id = 'package-summaries-weekly';
  let started: string;

  test('the example is applied, once', async () => {
    const apply = () => stack.tuneline('schedule', 'apply', 'examples/schedules');
    expect(await apply()).toMatchObject({ code: 0, stdout: `created   ${id}\n` });
    expect(await apply()).toMatchObject({ code: 0, stdout: `unchanged ${id}\n` });
  });

  test('and what it starts ends at once, for nothing changed since the champion', async () => {
    const { code, stdout } = await stack.tuneline('schedule', 'trigger', id);
    expect(code).toBe(0);
    started = stdout.trim();
    expect(await (await stack.client()).workflow.result(started)).toEqual({ model: 'package-summaries', verdict: 'unchanged', version: '1' });
    const { stdout: shown } = await stack.tuneline('schedule', 'show', id, '--json');
    expect(JSON.parse(shown)).toMatchObject({ paused: false, next: expect.any(String), started: [{ workflowId: started, ending: 'unchanged' }] });
  });

  test('and MLflow has no run of it', async () => {
    const experiment = await stack.mlflow().experiments.ensure('package-summaries');
    expect(await stack.mlflow().runs.findByTag(experiment, { [tags.workflowId]: started })).toEqual([]);
  });

  test('a pause says why, and a schedule that is gone is gone', async () => {
    await stack.tuneline('schedule', 'pause', id, '--note', 'the data is being cleaned');
    expect((await stack.tuneline('schedule', 'list')).stdout).toContain('because   the data is being cleaned');
    expect(await stack.tuneline('schedule', 'resume', id)).toMatchObject({ code: 0 });
    expect(await stack.tuneline('schedule', 'delete', id)).toMatchObject({ code: 0 });
    expect(await stack.tuneline('schedule', 'show', id)).toMatchObject({ code: 1, stderr: expect.stringContaining(`There is no schedule ${id}.`) });
  });
});

test('the spec whose gate must fail is refused, and the champion stays', async () => {
  const { code, summary } = await stack.run(join(repository, 'examples/specs/package-summaries-refused.json'), 'refused');
  expect(code).toBe(2);
  expect(summary.verdict).toBe('rejected');
  expect(summary.gate.filter(({ passed }) => !passed)).toHaveLength(1);
  expect(await stack.mlflow().registry.getAlias('package-summaries', 'champion')).toBe('1');
  expect(await servedVersion(summary)).toBe('package-summaries/1');
});

test('the spec that waits for a person is promoted once one approves', async () => {
  const running = stack.run(join(repository, 'examples/specs/package-summaries-reviewed.json'), 'reviewed');
  await approveWhenAsked('reviewed');
  expect(await running).toMatchObject({ code: 0, summary: { verdict: 'promoted' } });
});

test('status lists the lifecycles', async () => {
  const { code, stdout } = await stack.tuneline('status', '--json');
  expect(code).toBe(0);
  expect((JSON.parse(stdout) as { workflowId: string }[]).map(({ workflowId }) => workflowId.replace(/-\d{4}-.*/, '')).sort()).toEqual(['first', 'package-summaries-weekly', 'refused', 'reviewed', 'second']);
});

async function approveWhenAsked(id: string): Promise<void> {
  for (;;) {
    const { code } = await stack.tuneline('review', id, '--approve', '--comment', 'fine');
    if (code === 0) return;
  }
}

async function servedVersion({ addresses }: Summary): Promise<string | null> {
  const answer = await fetch(`${addresses.endpoint}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'package-summaries', max_tokens: 2, messages: [{ role: 'user', content: 'hello' }] }),
  });
  return answer.headers.get('x-tuneline-version');
}
