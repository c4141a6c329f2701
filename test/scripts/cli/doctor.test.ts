import { spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { Finding } from '../../../k8s/doctor/finding.ts';
import { diagnose, showFindings } from '../../../scripts/cli/doctor.ts';
import { createToken } from '../../../workers/console/access.ts';
import { loadConfig, taskQueue } from '../../../workers/config.ts';
import { ensureSearchAttributes } from '../../../workers/search-attributes.ts';
import { cliCommand, quickStart } from '../../support/cli.ts';
import { openMlflow, type MlflowServer } from '../../support/mlflow-server.ts';
import { repository } from '../../support/stack.ts';
import { bundleWorkflows, createWorker, startDevServer, temporalVariables } from '../../support/temporal.ts';
import { until } from '../../support/until.ts';

let home: string;
let temporal: TestWorkflowEnvironment;
let mlflow: MlflowServer;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'tuneline-doctor-'));
  await createToken(tokens('good'), { name: 'grace', roles: ['reviewer'] });
  [temporal, mlflow] = await Promise.all([startDevServer(), openMlflow()]);
});
afterAll(async () => {
  await Promise.all([temporal.teardown(), mlflow.stop()]);
  await rm(home, { recursive: true });
});

const tokens = (name: string): string => join(home, `${name}.json`);
const nowhere = 'http://127.0.0.1:9';
const settings = (env: Record<string, string> = {}) => ({
  TUNELINE_HOME: home,
  ...temporalVariables(temporal),
  MLFLOW_TRACKING_URI: mlflow.trackingUri,
  TUNELINE_TOKENS: tokens('good'),
  ...env,
});
const findings = (env?: Record<string, string>): Promise<Finding[]> => diagnose(loadConfig(settings(env)));
const wrong = async (env?: Record<string, string>): Promise<Finding[]> => (await findings(env)).filter(({ ok }) => !ok);

function doctor(env: Record<string, string>, ...args: readonly string[]) {
  return spawnSync(process.execPath, [...cliCommand, 'doctor', ...args], {
    cwd: repository,
    env: { ...quickStart, HOME: home, TUNELINE_HOME: home, ...env },
    encoding: 'utf8',
  });
}

test('a namespace as new lacks a worker, and what a worker would add; with one all is well', async () => {
  expect(await wrong()).toMatchObject([
    {
      what: 'search attributes',
      detail: 'missing: TunelineModel, TunelineStage, TunelineVerdict, TunelineBreach',
      remedy: expect.stringContaining('--name TunelineStage --type Keyword'),
    },
    {
      what: 'worker',
      detail: 'nobody asks for work on the task queue tuneline',
      remedy: expect.stringContaining('scripts/tuneline up'),
    },
  ]);
  await ensureSearchAttributes(temporal.client);
  const worker = await createWorker(temporal, { taskQueue, workflowBundle: await bundleWorkflows() });
  await worker.runUntil(() => until(async () => (await wrong()).length === 0));
  expect((await findings()).map(({ what }) => what)).toEqual([
    'Temporal',
    'Temporal namespace',
    'search attributes',
    'worker',
    'MLflow',
    'storage',
    'console tokens',
  ]);
});

test.each<[string, () => Record<string, string>, Partial<Record<keyof Finding, unknown>>]>([
  [
    'a namespace that Temporal does not have',
    () => ({ TEMPORAL_NAMESPACE: 'elsewhere' }),
    {
      what: 'Temporal namespace',
      detail: 'elsewhere does not exist',
      remedy: 'temporal operator namespace create --namespace elsewhere',
    },
  ],
  [
    'Temporal where nobody listens',
    () => ({ TEMPORAL_ADDRESS: '127.0.0.1:9' }),
    {
      what: 'Temporal',
      detail: 'Temporal does not answer at 127.0.0.1:9.',
      remedy: 'check your temporal.toml profile or TEMPORAL_ADDRESS',
    },
  ],
  [
    'MLflow where nobody listens',
    () => ({ MLFLOW_TRACKING_URI: nowhere }),
    {
      what: 'MLflow',
      detail: expect.stringContaining(nowhere),
      remedy: expect.stringContaining('MLFLOW_TRACKING_URI'),
    },
  ],
  [
    'a home that is a file',
    () => ({ TUNELINE_HOME: join(home, 'file') }),
    { what: 'storage', detail: expect.stringContaining('ENOTDIR'), remedy: expect.stringContaining('TUNELINE_HOME') },
  ],
  [
    'another runner',
    () => ({ TUNELINE_RUNNER: 'slurm' }),
    {
      what: 'Kubernetes',
      detail: 'TUNELINE_RUNNER: expected local or kubernetes, got "slurm".',
      remedy: expect.stringContaining('On Kubernetes'),
    },
  ],
])('%s is the one thing that is wrong, with what to do', async (_what, env, finding) => {
  await writeFile(join(home, 'file'), '');
  // Of no concern here: the test above has them.
  const others = ['search attributes', 'worker'];
  expect((await wrong(env())).filter(({ what }) => !others.includes(what))).toEqual([{ ok: false, ...finding }]);
});

test.each<[string, (path: string) => Promise<unknown>, string, string]>([
  ['are not there', () => Promise.resolve(), 'does not exist: nobody can sign in', 'scripts/tuneline up'],
  ['are a folder', (path) => mkdir(path), "can't be read: EISDIR", 'TUNELINE_TOKENS'],
  [
    'are those of a viewer',
    (path) => createToken(path, { name: 'joan', roles: ['viewer'] }),
    'has no token of a reviewer: nobody may decide',
    'scripts/tuneline token create NAME --role reviewer',
  ],
  ['can be read by every user', (path) => copyOpen(path, 0o604), 'is open to every user of this machine', 'chmod o= '],
  [
    'can be written by every user',
    (path) => copyOpen(path, 0o602),
    'is open to every user of this machine',
    'chmod o= ',
  ],
])("the console's tokens are wrong where they %s", async (name, make, detail, remedy) => {
  const path = tokens(name);
  await make(path);
  expect((await wrong({ TUNELINE_TOKENS: path })).filter(({ what }) => what === 'console tokens')).toEqual([
    { what: 'console tokens', ok: false, detail: `${path} ${detail}`, remedy: expect.stringContaining(remedy) },
  ]);
});

test('a tokens file of another kind says how one is made', async () => {
  await writeFile(tokens('other'), '{}');
  expect(await wrong({ TUNELINE_TOKENS: tokens('other') })).toContainEqual({
    what: 'console tokens',
    ok: false,
    detail: expect.stringContaining('must hold a JSON array'),
    remedy: expect.stringContaining('scripts/tuneline token create'),
  });
});

test("who reviews is shown; on a cluster the console's tokens are a Secret, and a file need not be here", async () => {
  const shown = async (env: Record<string, string>) =>
    (await findings(env)).filter(({ what }) => what === 'console tokens');
  expect(await shown({})).toEqual([
    { what: 'console tokens', ok: true, detail: `${tokens('good')}, reviewers: grace` },
  ]);
  expect(await shown({ TUNELINE_RUNNER: 'kubernetes', TUNELINE_TOKENS: tokens('none') })).toEqual([]);
});

async function copyOpen(path: string, mode: number): Promise<void> {
  await writeFile(path, await readFile(tokens('good')));
  await chmod(path, mode);
}

test('every setting that is missing for Kubernetes is named in one finding: exit code 1, no stack trace', () => {
  const { status, stdout, stderr } = doctor(
    { TEMPORAL_ADDRESS: '127.0.0.1:9', MLFLOW_TRACKING_URI: nowhere },
    '--kubernetes',
  );
  expect({ status, stderr }).toEqual({ status: 1, stderr: '' });
  expect(stdout).toMatch(
    /^✗ Kubernetes +Jobs can't run on Kubernetes yet:\n +TUNELINE_JOB_IMAGE: missing.*\n +TUNELINE_STORAGE_CLAIM: missing.*\n +TUNELINE_JOB_MLFLOW_URI: missing.*\n +to do: README\.md/m,
  );
  expect(stdout).toMatch(/^✗ Temporal +.*\n +to do: /m);
  expect(stdout).toMatch(/^✓ storage +/m);
  expect(stdout).not.toMatch(/^\s+at /m);
});

test('--json says the same on one line', () => {
  const { status, stdout } = doctor({ ...settings(), TUNELINE_RUNNER: 'slurm' }, '--json');
  expect(status).toBe(1);
  expect(stdout.trimEnd()).not.toContain('\n');
  expect(JSON.parse(stdout)).toContainEqual(
    expect.objectContaining({ what: 'Kubernetes', ok: false, detail: expect.stringContaining('slurm') }),
  );
});

test('details stand in one column, and what is well needs no remedy', () => {
  const shown = showFindings([
    { what: 'a', ok: true, detail: 'one\ntwo', remedy: 'unneeded' },
    { what: 'long name', ok: false, detail: 'three', remedy: 'four' },
  ]);
  expect(shown).toBe('✓ a          one\n             two\n✗ long name  three\n             to do: four\n');
});

test('doctor --help explains itself on stdout', () => {
  const { status, stdout, stderr } = doctor({}, '--help');
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toContain('Usage: tuneline doctor');
});
