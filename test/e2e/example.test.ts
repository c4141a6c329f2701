import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { tags } from '../../domain/lineage/tracking.ts';
import type { Summary } from '../../scripts/report/summary.ts';
import { startOtlpReceiver } from '../support/otlp-receiver.ts';
import { repository, TestStack } from '../support/stack.ts';
import { until } from '../support/until.ts';
import { approveWhenAsked, describeTeamPipeline, example } from './team-pipeline.ts';

/** What people do with the example beside running it: by schedule, with a review, from a pipeline. */
let stack: TestStack;
let collector: Awaited<ReturnType<typeof startOtlpReceiver>>;
let first: Awaited<ReturnType<TestStack['run']>>;

beforeAll(async () => {
  collector = await startOtlpReceiver();
  stack = await TestStack.start({ env: { OTEL_EXPORTER_OTLP_ENDPOINT: new URL(collector.url).origin } });
  first = await stack.run(example, 'first');
});
afterAll(async () => {
  await stack.stop();
  collector.close();
});

test('one trace leads from the command to the run of the training, and back', async () => {
  const experiment = await stack.mlflow().experiments.ensure('package-summaries');
  const [run] = await stack.mlflow().runs.findByTag(experiment, { [tags.stage]: 'tune' });
  const job = await until(() =>
    Promise.resolve(collector.spans().find(({ attributes }) => attributes['mlflow.run_id'] === run?.runId)),
  );
  expect(run?.tags[tags.traceId]).toBe(job.traceId);
  const ended = await until(() =>
    Promise.resolve(
      collector
        .spans()
        .find(({ name, attributes }) => name === 'RunWorkflow:lifecycle' && attributes['workflowId'] === 'first'),
    ),
  );
  expect(ended).toMatchObject({ traceId: job.traceId, service: 'tuneline-worker' });
  expect(collector.path(job)).toEqual([
    'Job:tune',
    'RunActivity:runJob',
    'StartActivity:runJob',
    'RunWorkflow:lifecycle',
    'StartWorkflow:lifecycle',
  ]);
  expect(collector.spans().find(({ spanId }) => spanId === ended.parentSpanId)).toMatchObject({
    service: 'tuneline-cli',
  });
});

test('the endpoint lists the model and streams', async () => {
  const { endpoint } = first.summary.addresses;
  const models = (await (await fetch(`${endpoint}/v1/models`)).json()) as { data: { id: string }[] };
  expect(models.data.map(({ id }) => id)).toEqual(['package-summaries']);
  const answer = await fetch(`${endpoint}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'package-summaries',
      stream: true,
      max_tokens: 8,
      messages: [{ role: 'user', content: 'Summarize: a fast web server.' }],
    }),
  });
  const events = (await answer.text()).split('\n\n').filter((event) => event.startsWith('data: {'));
  expect(events.length).toBeGreaterThan(1);
});

describe('by schedule', () => {
  const id = 'package-summaries-weekly';
  let started: string;

  test('the example is applied, once', async () => {
    const apply = () => stack.tuneline('schedule', 'apply', 'examples/schedules');
    expect(await apply()).toMatchObject({ code: 0, stdout: `created   ${id}\n` });
    expect(await apply()).toMatchObject({ code: 0, stdout: `unchanged ${id}\n` });
  });

  test('the lifecycle that it starts ends at once, because nothing changed since the champion', async () => {
    const { code, stdout } = await stack.tuneline('schedule', 'trigger', id);
    expect(code).toBe(0);
    started = stdout.trim();
    expect(await (await stack.client()).workflow.result(started)).toEqual({
      model: 'package-summaries',
      verdict: 'unchanged',
      version: '1',
    });
    const { stdout: shown } = await stack.tuneline('schedule', 'show', id, '--json');
    expect(JSON.parse(shown)).toMatchObject({
      paused: false,
      next: expect.any(String),
      started: [{ workflowId: started, ending: 'unchanged' }],
    });
  });

  test('a plan says beforehand that nothing changed', async () => {
    const spec = join(stack.state, 'skipping.json');
    await writeFile(
      spec,
      JSON.stringify({ ...(JSON.parse(await readFile(example, 'utf8')) as object), skip: 'whenUnchanged' }),
    );
    const { code, stdout } = await stack.tuneline('run', spec, '--plan', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ unchanged: '1' });
  });

  test('MLflow has no run of that lifecycle', async () => {
    const experiment = await stack.mlflow().experiments.ensure('package-summaries');
    expect(await stack.mlflow().runs.findByTag(experiment, { [tags.workflowId]: started })).toEqual([]);
  });

  test('a pause says why, and a schedule that is gone is gone', async () => {
    await stack.tuneline('schedule', 'pause', id, '--note', 'the data is being cleaned');
    expect((await stack.tuneline('schedule', 'list')).stdout).toContain('because   the data is being cleaned');
    expect(await stack.tuneline('schedule', 'resume', id)).toMatchObject({ code: 0 });
    expect(await stack.tuneline('schedule', 'delete', id)).toMatchObject({ code: 0 });
    expect(await stack.tuneline('schedule', 'show', id)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`There is no schedule ${id}.`),
    });
  });
});

test('the spec whose gate must fail is refused, and the champion stays', async () => {
  const { code, summary } = await stack.run(
    join(repository, 'examples/specs/package-summaries-refused.json'),
    'refused',
  );
  expect(code).toBe(2);
  expect(summary.verdict).toBe('rejected');
  expect(summary.gate.filter(({ passed }) => !passed)).toHaveLength(1);
  expect(await stack.mlflow().registry.getAlias('package-summaries', 'champion')).toBe('1');
  expect(await servedVersion(summary)).toBe('package-summaries/1');
});

test('the spec that waits for a person is promoted once one approves', async () => {
  const running = stack.run(join(repository, 'examples/specs/package-summaries-reviewed.json'), 'reviewed');
  await approveWhenAsked(stack, 'reviewed');
  expect(await running).toMatchObject({ code: 0, summary: { verdict: 'promoted' } });
});

test('the endpoint says what it serves, and that there is nothing to go back to', async () => {
  const shown = await stack.tuneline('endpoint', 'package-summaries');
  expect(shown).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('**package-summaries** serves version 1 of package-summaries'),
  });
  expect(await stack.tuneline('endpoint', 'package-summaries', '--rollback')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('Say why'),
  });
  expect(await stack.tuneline('endpoint', 'package-summaries', '--rollback', '--because', 'a test')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('error: There is nothing to go back to'),
  });
  expect(await stack.tuneline('endpoint', 'sumaries')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('There is no endpoint sumaries'),
  });
});

test('status lists the lifecycles', async () => {
  const { code, stdout } = await stack.tuneline('status', '--json');
  expect(code).toBe(0);
  expect(
    (JSON.parse(stdout) as { workflowId: string }[])
      .map(({ workflowId }) => workflowId.replace(/-\d{4}-.*/, ''))
      .sort(),
  ).toEqual(['first', 'package-summaries-weekly', 'refused', 'reviewed']);
});

describeTeamPipeline(() => ({ stack, first }));

async function servedVersion({ addresses }: Summary): Promise<string | null> {
  const answer = await fetch(`${addresses.endpoint}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'package-summaries', max_tokens: 2, messages: [{ role: 'user', content: 'hello' }] }),
  });
  return answer.headers.get('x-tuneline-version');
}
