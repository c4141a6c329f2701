import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { tags } from '../../domain/lineage/tracking.ts';
import type { Summary } from '../../scripts/report/summary.ts';
import { readJunit } from '../support/junit.ts';
import { startOtlpReceiver } from '../support/otlp-receiver.ts';
import { runGithubJob, runGitlabJob, teamRepository, type Surroundings } from '../support/pipeline.ts';
import { repository, TestStack } from '../support/stack.ts';
import { until } from '../support/until.ts';

/** What people do with the example beside running it: by schedule, with a review, from a pipeline. */
const example = join(repository, 'examples/specs/package-summaries.json');
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

  test('and what it starts ends at once, for nothing changed since the champion', async () => {
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

  test('as a plan says beforehand', async () => {
    const spec = join(stack.state, 'skipping.json');
    await writeFile(
      spec,
      JSON.stringify({ ...(JSON.parse(await readFile(example, 'utf8')) as object), skip: 'whenUnchanged' }),
    );
    const { code, stdout } = await stack.tuneline('run', spec, '--plan', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ unchanged: '1' });
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
  await approveWhenAsked('reviewed');
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

describe("in a team's own pipeline", () => {
  let team: Surroundings & { readonly read: (path: string) => Promise<string> };
  beforeAll(() => {
    const cwd = teamRepository();
    const env = {
      TUNELINE_HOME: join(repository, '.tuneline'),
      TUNELINE_STATE: stack.state,
      GITHUB_STEP_SUMMARY: join(cwd, 'summary.md'),
      GITHUB_BASE_REF: 'main',
      GITHUB_RUN_ATTEMPT: '1',
      CI_PROJECT_DIR: cwd,
      CI_MERGE_REQUEST_DIFF_BASE_SHA: 'main',
    };
    team = { cwd, env, read: (path) => readFile(join(cwd, path), 'utf8') };
  });
  afterAll(() => rm(team.cwd, { recursive: true }));
  const withEnv = (more: Readonly<Record<string, string>>): Surroundings => ({
    cwd: team.cwd,
    env: { ...team.env, ...more },
  });

  test('a pull request hears what would be reused, what would run, and what it changes', async () => {
    const before = await stack
      .mlflow()
      .runs.findByTag((await stack.mlflow().experiments.find('package-summaries')) ?? '', {});
    const path = join(team.cwd, 'examples/specs/package-summaries.json');
    const original = await readFile(path, 'utf8');
    await writeFile(path, original.replace('"steps": 16', '"steps": 32'));
    const plan = await runGithubJob('plan', team);
    await writeFile(path, original);
    expect(plan.code).toBe(0);
    const shown = await team.read('summary.md');
    for (const words of [
      '| tune.steps | 16 | 32 |',
      '| explore | be reused |',
      '| prepare | be reused |',
      '| tune | run: no earlier',
      '| evaluate | run: the candidate will be new |',
      'from version 1, if the gate passes',
      'About ',
    ])
      expect(shown).toContain(words);
    expect(await stack.mlflow().runs.findByTag(before[0]?.experimentId ?? '', {})).toEqual(before);
  });

  test('a merge request with a wrong spec hears each wrong field, and fails', async () => {
    const wrong = join(team.cwd, 'wrong.json');
    await writeFile(
      wrong,
      JSON.stringify({
        ...(JSON.parse(await readFile(example, 'utf8')) as object),
        seed: -1,
        data: { path: 'nowhere.jsonl', input: ['description'], target: 'synopsis' },
      }),
    );
    const plan = await runGitlabJob('plan', withEnv({ SPEC: 'wrong.json' }));
    expect(plan).toMatchObject({ code: 1, output: expect.stringContaining('seed: ') });
    expect(await team.read('reports/plan.md')).toMatch(/## wrong\.json would be refused\n\n- seed: /);
  });

  test('what the plan said would be reused is reused, and the pipeline has its reports', async () => {
    expect(await runGitlabJob('plan', team)).toMatchObject({
      code: 0,
      output: expect.stringContaining('No Job would run.'),
    });
    const { code } = await runGithubJob('release', withEnv({ GITHUB_RUN_ID: '1' }));
    expect(code).toBe(0);
    const [stages, gate] = readJunit(await team.read('reports/junit.xml'));
    expect(stages).toMatchObject({
      attributes: { package: 'package-summaries', failures: '0', errors: '0', skipped: '0' },
      properties: { lifecycle: 'ci-1-1', verdict: 'promoted' },
      output: ['explore', 'prepare', 'tune', 'evaluate'].map((stage) => `${stage} was reused`).join('\n'),
    });
    expect(gate?.cases.map(({ name }) => name)).toEqual(first.summary.gate.map(({ rule }) => rule));
    expect(await team.read('summary.md')).toContain('## package-summaries: promoted as version 1');
  });

  test('what the gate refuses fails the job, with the rule that it missed', async () => {
    const { code } = await runGithubJob(
      'release',
      withEnv({ SPEC: 'examples/specs/package-summaries-refused.json', GITHUB_RUN_ID: '2' }),
    );
    expect(code).toBe(2);
    expect(readJunit(await team.read('reports/junit.xml'))[1]?.attributes).toMatchObject({
      name: 'gate',
      failures: '1',
    });
    expect(await team.read('summary.md')).toMatch(/rejected, nothing was promoted\n\n.*\n.*\n\| FAIL \|/);
  });

  test('what awaits a person holds up no runner: the job ends, says so, and the lifecycle goes on', async () => {
    const spec = { SPEC: 'examples/specs/package-summaries-reviewed.json' };
    expect(await runGithubJob('release', withEnv({ ...spec, GITHUB_RUN_ID: '3' }))).toMatchObject({
      code: 0,
      output: expect.stringContaining('::notice::A review is awaited'),
    });
    expect((await runGitlabJob('release', withEnv({ ...spec, CI_JOB_ID: '4' }))).code).toBe(3);
    expect(
      readJunit(await team.read('reports/junit.xml'))[0]?.cases.map(({ name, ended }) => [name, ended?.as]),
    ).toEqual([
      ...['explore', 'prepare', 'tune', 'evaluate'].map((name) => [name, undefined]),
      ['review', 'skipped'],
      ['deploy', 'skipped'],
    ]);
    await approveWhenAsked('ci-3-1');
    expect(await stack.tuneline('follow', 'ci-3-1')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('promoted: package-summaries version 1'),
    });
  });

  test('an interrupt ends the showing and not the lifecycle', async () => {
    const following = stack.spawn('follow', 'ci-4');
    await following.says(/awaiting a review until/);
    following.child.kill('SIGINT');
    expect(await following.ended).toBe(130);
    await following.says(/scripts\/tuneline follow ci-4" shows it again; cancel it at http/);
    expect((await stack.tuneline('review', 'ci-4', '--reject')).code).toBe(0);
    expect((await stack.tuneline('follow', 'ci-4')).code).toBe(2);
  });
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
