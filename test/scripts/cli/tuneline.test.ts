import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { JobFolders } from '../../../local/job-folder.ts';
import { createLocalJobRunner } from '../../../local/job-runner.ts';
import { identityOf, isGroupAlive, type ProcessIdentity } from '../../../local/process-identity.ts';
import { addressesAt, writeStackState } from '../../../local/stack-state.ts';
import { jobOf, phase } from '../../contract/jobs.ts';
import { cliCommand, quickStart } from '../../support/cli.ts';
import { repository } from '../../support/stack.ts';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'tuneline-home-'));
});
afterEach(() => rm(home, { recursive: true, force: true }));

const tuneline = (...args: readonly string[]) => tunelineWith({}, ...args);

function tunelineWith(env: Readonly<Record<string, string>>, ...args: readonly string[]) {
  return spawnSync(process.execPath, [...cliCommand, ...args], {
    cwd: repository,
    env: { ...quickStart, HOME: home, TUNELINE_HOME: home, ...env },
    encoding: 'utf8',
  });
}

test.each(['up', 'run', 'follow', 'status', 'review', 'lineage', 'audit', 'schedule', 'endpoint', 'webhooks', 'down'])(
  '%s --help explains itself on stdout',
  (command) => {
    const { status, stdout, stderr } = tuneline(command, '--help');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain(`Usage: tuneline ${command}`);
  },
);

test.each([
  ['a spec file that is not there', ['run', 'nowhere.json'], /no spec file nowhere\.json[\s\S]*hint:/],
  ['a spec that is not JSON', ['run', 'README.md'], /README\.md is not JSON/],
  [
    'a report that can not be written',
    ['run', 'examples/specs/package-summaries.json', '--junit', 'package.json/junit.xml'],
    /junit\.xml can't be written[\s\S]*hint:/,
  ],
  [
    'a report of what nobody follows',
    ['run', 'examples/specs/package-summaries.json', '--detach', '--junit', 'junit.xml'],
    /cannot be used with/,
  ],
  [
    'a wait for something else',
    ['run', 'examples/specs/package-summaries.json', '--wait-for', 'tea'],
    /Allowed choices are end, gate/,
  ],
  ['a stack that is not up', ['status'], /Temporal does not answer at 127\.0\.0\.1:9[\s\S]*hint: start the stack/],
  ['both decisions at once', ['review', 'x', '--approve', '--reject'], /cannot be used with/],
  ['a decision that is handed over', ['review', 'x', '--reject', '--delegate-to', 'ada'], /cannot be used with/],
  ['an audit of nothing', ['audit', 'x'], /Say WORKFLOW_ID --out FILE, or --verify FILE/],
  ['an audit file that is not there', ['audit', '--verify', 'nowhere.json'], /There is no file nowhere\.json/],
  ['a lineage of nothing', ['lineage'], /Say one of MODEL\/VERSION/],
  [
    'a lineage of two things',
    ['lineage', 'summaries/1', '--lifecycle', 'x'],
    /Say one of MODEL\/VERSION, --lifecycle WORKFLOW_ID/,
  ],
  [
    'a schedule file that is not there',
    ['schedule', 'apply', 'nowhere.json'],
    /nowhere\.json: file: expected a JSON file, but nowhere\.json can't be read/,
  ],
  [
    'a schedule without a timetable',
    ['schedule', 'create', 'x', 'examples/specs/package-summaries.json'],
    /x: cron: expected one of cron, calendar and interval/,
  ],
  [
    'a backfill of no time',
    ['schedule', 'backfill', 'x', '--from', 'soon', '--to', '2026-11-01'],
    /expected a time such as 2026-11-01T03:00Z, got "soon"/,
  ],
  [
    'a webhook where nobody listens for events',
    ['webhooks', 'create'],
    /TUNELINE_EVENT_RULES names no rules[\s\S]*hint:/,
  ],
  ['an unknown command', ['deploi'], /unknown command 'deploi'/],
])('%s is one clear error without a stack trace', async (_what, args, words) => {
  await nothingListens();
  const { status, stdout, stderr } = tuneline(...args);
  expect(status).toBe(1);
  expect(stdout).toBe('');
  expect(stderr).toMatch(words);
  expect(stderr).not.toMatch(/^\s+at /m);
});

test('"up" with a Worker Deployment is refused before anything starts', async () => {
  await nothingListens(identityOf(process.pid));
  expect(tunelineWith({ TUNELINE_WORKER_DEPLOYMENT: 'tuneline' }, 'up')).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/^error: TUNELINE_WORKER_DEPLOYMENT: [\s\S]*unset it\.\nhint: docs\/upgrades\.md/m),
  });
});

test('down --purge ends what still runs and removes everything', async () => {
  const root = join(home, 'state', 'jobs');
  const runner = createLocalJobRunner({
    root,
    command: () => ['sleep', '600'],
    env: { PATH: process.env['PATH'] ?? '' },
    slots: 1,
    graceMs: 100,
  });
  const request = jobOf({ does: 'sleep' });
  await runner.create(request);
  await phase(runner, request.name, 'running');
  const claimant = await new JobFolders(root).claimant(request.name);
  if (claimant === undefined || claimant === 'nobody') throw new Error('the Job runs');
  const engine = await leftEngine(join(home, 'state', 'endpoints', 'summaries', 'summaries_1'));
  await nothingListens();
  await writeFile(join(home, 'something'), '');
  const { status, stderr } = tuneline('down', '--purge');
  expect({ status, stderr }).toMatchObject({ status: 0, stderr: expect.stringContaining('stopped') });
  expect([claimant, engine].map(isGroupAlive)).toEqual([false, false]);
  expect(existsSync(home)).toBe(false);
});

test('down where nothing is up says so', () => {
  expect(tuneline('down')).toMatchObject({ status: 0, stderr: expect.stringContaining('nothing was up') });
});

/** What serves a release, and goes on where the endpoint that started it was killed. */
async function leftEngine(folder: string): Promise<ProcessIdentity> {
  const child = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
  // One that is not ended must not hold up the tests.
  child.unref();
  const identity = identityOf(child.pid ?? NaN);
  if (!identity) throw new Error('sleep did not start');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'process.json'), JSON.stringify(identity));
  return identity;
}

/** A stack that was killed: its addresses answer nobody, and its process is another's by now; unless it is said to be up. */
async function nothingListens(up?: ProcessIdentity): Promise<void> {
  const own = identityOf(process.pid);
  await writeStackState(join(home, 'state'), {
    addresses: addressesAt({ temporal: 9, temporalUi: 9, mlflow: 9, endpoint: 9, console: 9, events: 9 }),
    up: up ?? { pid: own?.pid ?? 1, startedAt: 'long ago' },
    processes: {},
  });
}
