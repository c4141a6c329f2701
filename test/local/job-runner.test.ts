import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { JobFolders } from '../../local/job-folder.ts';
import { createLocalJobRunner } from '../../local/job-runner.ts';
import { isGroupAlive } from '../../local/process-identity.ts';
import { until } from '../support/until.ts';
import { describeJobRunner, type RunnerHarness } from '../contract/job-runner.ts';
import { finished, jobOf, phase, saying } from '../contract/jobs.ts';

/** A Job's program for the suite: counts its start, then behaves as its spec says. */
const program = `
const spec = JSON.parse(process.env.TUNELINE_JOB);
const fs = require('node:fs');
fs.appendFileSync(process.env.TUNELINE_TERMINATION_PATH + '.starts', 'x');
const report = (outcome) => fs.writeFileSync(process.env.TUNELINE_TERMINATION_PATH, JSON.stringify(outcome));
const ok = { ok: true, outputs: {}, figures: {} };
if (spec.does === 'succeed') report({ ...ok, outputs: { said: { uri: spec.value, digest: '' } } });
if (spec.does === 'exit') process.exit(spec.code);
if (spec.does === 'report') { report(spec.outcome); process.exit(spec.code); }
if (spec.does === 'sleep') setInterval(() => {}, 1000);
if (spec.does === 'ignore SIGTERM') { process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); }
if (spec.does === 'print') { for (let i = 1; i <= spec.lines; i++) console.log('line ' + i); report(ok); }
`;

async function makeHarness(slots = 4): Promise<RunnerHarness & { readonly folders: JobFolders }> {
  const root = await mkdtemp(join(tmpdir(), 'tuneline-jobs-'));
  const folders = new JobFolders(root);
  const make = () =>
    createLocalJobRunner({
      root,
      command: () => [process.execPath, '-e', program],
      env: { PATH: process.env['PATH'] ?? '' },
      slots,
      graceMs: 300,
    });
  return {
    runner: make(),
    successor: make,
    folders,
    starts: async (name) => (await readFile(`${folders.outcomePath(name)}.starts`, 'utf8').catch(() => '')).length,
    live: async (name) => {
      const claimant = await folders.claimant(name);
      return claimant !== undefined && claimant !== 'nobody' && isGroupAlive(claimant) ? 1 : 0;
    },
    close: async () => {
      for (const name of await readdir(join(root, 'jobs'))) await make().cancel(name, 'Deleted', 'test over');
      await rm(root, { recursive: true, maxRetries: 5 });
    },
  };
}

describeJobRunner('the local runner', makeHarness);

test('Jobs beyond the slots wait, and start as others end', async () => {
  const harness = await makeHarness(1);
  const [first, second] = [jobOf({ does: 'sleep' }), jobOf({ does: 'succeed', value: 'next' })];
  await harness.runner.create(first);
  await phase(harness.runner, first.name, 'running');
  await harness.runner.create(second);
  expect(await harness.runner.read(second.name)).toEqual({ phase: 'queued' });
  await harness.runner.cancel(first.name, 'Deleted', 'make room');
  expect(await finished(harness.runner, second.name)).toMatchObject({ kind: 'succeeded' });
  await harness.close();
});

test('a Job cancelled while it waits never starts', async () => {
  const harness = await makeHarness(1);
  const [first, second] = [jobOf({ does: 'sleep' }), jobOf({ does: 'succeed', value: 'never' })];
  await harness.runner.create(first);
  await phase(harness.runner, first.name, 'running');
  await harness.runner.create(second);
  await harness.runner.cancel(second.name, 'Deleted', 'not wanted any more');
  await harness.runner.cancel(first.name, 'Deleted', 'make room');
  expect(await finished(harness.runner, second.name)).toMatchObject({
    kind: 'failed',
    failure: { class: 'Deleted', message: 'not wanted any more' },
  });
  expect(await harness.starts(second.name)).toBe(0);
  await harness.close();
});

test('a Job that was made but never started is started by the next worker', async () => {
  const harness = await makeHarness();
  const request = jobOf({ does: 'succeed', value: 'found' });
  await harness.folders.prepare();
  await harness.folders.create(request);
  expect(await finished(harness.successor(), request.name)).toEqual(saying('found'));
  expect(await harness.starts(request.name)).toBe(1);
  await harness.close();
});

test('of two causes for ending a Job the first stays', async () => {
  const harness = await makeHarness();
  const request = jobOf({ does: 'ignore SIGTERM' });
  await harness.runner.create(request);
  await until(async () => (await harness.starts(request.name)) > 0);
  await harness.folders.recordCancel(request.name, 'Deadline', 'first');
  await harness.runner.cancel(request.name, 'Deleted', 'second');
  expect(await finished(harness.runner, request.name)).toMatchObject({
    failure: { class: 'Deadline', message: 'first' },
  });
  await harness.close();
});

test.each(['the whole group', 'its program alone'])(
  'kill -9 of %s is an eviction, which the lifecycle retries',
  async (whom) => {
    const harness = await makeHarness();
    const request = jobOf({ does: 'sleep' });
    await harness.runner.create(request);
    await phase(harness.runner, request.name, 'running');
    const claimant = await harness.folders.claimant(request.name);
    if (claimant === undefined || claimant === 'nobody') throw new Error('the Job runs, so someone claimed it');
    const target = whom === 'the whole group' ? -claimant.pid : await childOf(claimant.pid);
    process.kill(target, 'SIGKILL');
    expect(await finished(harness.runner, request.name)).toMatchObject({
      kind: 'failed',
      failure: { class: 'Evicted' },
    });
    await harness.close();
  },
);

test('the death of the helper that starts Jobs ends none of them, and the next one starts', async () => {
  const harness = await makeHarness();
  const [first, second] = [jobOf({ does: 'sleep' }), jobOf({ does: 'succeed', value: 'next' })];
  await harness.runner.create(first);
  await until(async () => (await harness.starts(first.name)) > 0);
  const claimant = await harness.folders.claimant(first.name);
  if (claimant === undefined || claimant === 'nobody') throw new Error('the Job runs, so someone claimed it');
  const helper = await parentOf(claimant.pid);
  expect(helper).not.toBe(process.pid);
  process.kill(helper, 'SIGKILL');
  await until(async () => (await parentOf(claimant.pid)) !== helper);
  await harness.runner.create(second);
  expect(await finished(harness.runner, second.name)).toEqual(saying('next'));
  expect(await harness.runner.read(first.name)).toMatchObject({ phase: 'running' });
  expect(await harness.starts(first.name)).toBe(1);
  await harness.close();
});

test('a number that another process was given later is not taken for the Job', async () => {
  const harness = await makeHarness();
  const request = jobOf({ does: 'sleep' });
  await harness.folders.prepare();
  await harness.folders.create(request);
  // This very process lives, but it started at another time than the one recorded.
  await writeFile(join(harness.folders.folder(request.name), 'process'), `${process.pid}\n12345\n`);
  expect(await harness.runner.read(request.name)).toMatchObject({
    phase: 'finished',
    outcome: { failure: { class: 'Evicted' } },
  });
  await harness.runner.cancel(request.name, 'Deleted', 'must not reach this process');
  await harness.close();
});

async function parentOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^PPid:\s+(\d+)/m.exec(status)?.[1]);
}

async function childOf(pid: number): Promise<number> {
  for (;;) {
    const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')).trim();
    if (children !== '') return Number(children.split(' ')[0]);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
