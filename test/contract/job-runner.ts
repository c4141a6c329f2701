import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { digestOf } from '../../domain/digest.ts';
import { maximumOutcomeBytes, type JobRequest, type JobRunner } from '../../domain/job/job.ts';
import { until } from '../support/until.ts';
import { type Behaviour, jobOn, finished, saying, said, phase } from './jobs.ts';

export interface RunnerHarness {
  readonly runner: JobRunner;
  /** Another runner on the same Jobs, as a worker that takes over would have. */
  readonly successor: () => JobRunner;
  /** How often any process of the Job was started; of several nodes, on each. */
  readonly starts: (name: string) => Promise<number>;
  /** How many of the Job's processes live. */
  readonly live: (name: string) => Promise<number>;
  readonly close: () => Promise<void>;
}

/** Every runner passes this suite; what it says of a Job is what the lifecycle may rely on. */
export function describeJobRunner(
  title: string,
  makeHarness: () => Promise<RunnerHarness>,
  { logs = true, nodes = 1 } = {},
): void {
  describe(`${title} as a JobRunner`, () => {
    const jobOf = (behaviour: Behaviour): JobRequest => jobOn(nodes, behaviour);
    let harness: RunnerHarness;
    beforeEach(async () => {
      harness = await makeHarness();
    });
    afterEach(() => harness.close());

    test('a Job that succeeds reports its outcome', async () => {
      const request = jobOf({ does: 'succeed', value: 'hello' });
      expect(await harness.runner.create(request)).toBe('created');
      expect(await finished(harness.runner, request.name)).toEqual(saying('hello'));
    });

    test.each([
      [64, 'BadSpec'],
      [65, 'BadData'],
      [75, 'Unavailable'],
      [1, 'Unknown'],
    ])('exit code %i without an outcome is %s', async (code, failureClass) => {
      const request = jobOf({ does: 'exit', code });
      await harness.runner.create(request);
      expect(await finished(harness.runner, request.name)).toMatchObject({
        kind: 'failed',
        failure: { class: failureClass },
      });
    });

    test('ending well without an outcome is no success', async () => {
      const request = jobOf({ does: 'exit', code: 0 });
      await harness.runner.create(request);
      expect(await finished(harness.runner, request.name)).toMatchObject({
        kind: 'failed',
        failure: { class: 'Unknown' },
      });
    });

    test('a failure that the Job reports keeps its class and its words', async () => {
      const failure = { class: 'GpuOutOfMemory', message: 'wanted 3 GiB, 2 were free' };
      const request = jobOf({ does: 'report', outcome: { ok: false, failure }, code: 1 });
      await harness.runner.create(request);
      expect(await finished(harness.runner, request.name)).toEqual({ kind: 'failed', failure });
    });

    test('an outcome as long as the contract allows comes back whole', async () => {
      const emptyLength = JSON.stringify({ ok: true, ...said('') }).length;
      const outcome = { ok: true, ...said('x'.repeat(maximumOutcomeBytes - emptyLength)) };
      const request = jobOf({ does: 'report', outcome, code: 0 });
      await harness.runner.create(request);
      expect(await finished(harness.runner, request.name)).toEqual({
        kind: 'succeeded',
        outputs: outcome.outputs,
        figures: {},
      });
    });

    test('a second submitter adopts, and one process ran', async () => {
      const request = jobOf({ does: 'succeed', value: 'once' });
      const successor = harness.successor();
      const made = await Promise.all([
        harness.runner.create(request),
        successor.create(request),
        harness.runner.create(request),
      ]);
      expect(made.filter((m) => m === 'created')).toHaveLength(1);
      expect(await finished(successor, request.name)).toMatchObject({ kind: 'succeeded' });
      expect(await successor.create(request)).toBe('adopted');
      expect(await harness.starts(request.name)).toBe(1);
    });

    test('the same name with another spec is a conflict', async () => {
      const request = jobOf({ does: 'succeed', value: 'one' });
      await harness.runner.create(request);
      await expect(harness.runner.create({ ...request, specDigest: digestOf('other') })).rejects.toMatchObject({
        name: 'JobConflictError',
      });
      await finished(harness.runner, request.name);
      expect(await harness.starts(request.name)).toBe(1);
    });

    test('a Job outlives the runner that made it', async () => {
      const request = jobOf({ does: 'sleep' });
      await harness.runner.create(request);
      await phase(harness.runner, request.name, 'running');
      const successor = harness.successor();
      expect(await successor.read(request.name)).toMatchObject({ phase: 'running' });
      expect((await successor.listOpen()).map((r) => r.name)).toEqual([request.name]);
      // It runs from the moment someone claims it; its program counts itself a little later.
      await until(async () => (await harness.starts(request.name)) > 0);
      await successor.cancel(request.name, 'Deleted', 'test over');
      expect(await harness.starts(request.name)).toBe(1);
    });

    test.each(['sleep', 'ignore SIGTERM'] as const)(
      'cancelling a Job that would %s leaves no process and tells why',
      async (does) => {
        const request = jobOf({ does });
        await harness.runner.create(request);
        await phase(harness.runner, request.name, 'running');
        await harness.runner.cancel(request.name, 'Deadline', 'It ran too long.');
        expect(await harness.live(request.name)).toBe(0);
        expect(await harness.runner.read(request.name)).toEqual({
          phase: 'finished',
          outcome: { kind: 'failed', failure: { class: 'Deadline', message: 'It ran too long.' } },
        });
      },
    );

    test('cancelling twice, or a Job that was never made, is harmless', async () => {
      const request = jobOf({ does: 'sleep' });
      await harness.runner.create(request);
      await Promise.all([
        harness.runner.cancel(request.name, 'Deleted', 'first'),
        harness.runner.cancel(request.name, 'Deleted', 'second'),
      ]);
      await harness.runner.cancel(request.name, 'Deadline', 'late');
      await harness.runner.cancel('tl-never-made', 'Deleted', 'nothing there');
      expect(await finished(harness.runner, request.name)).toMatchObject({
        kind: 'failed',
        failure: { class: 'Deleted' },
      });
      expect(await harness.runner.read('tl-never-made')).toEqual({ phase: 'absent' });
      expect(await harness.live(request.name)).toBe(0);
    });

    test('a cancel that comes after a success leaves the success', async () => {
      const request = jobOf({ does: 'succeed', value: 'kept' });
      await harness.runner.create(request);
      await finished(harness.runner, request.name);
      await harness.runner.cancel(request.name, 'Deleted', 'too late');
      expect(await harness.runner.read(request.name)).toMatchObject({
        phase: 'finished',
        outcome: { kind: 'succeeded' },
      });
    });

    // Simulated nodes run no program that could write one.
    (logs ? test : test.skip)('the end of the log is kept, in whole lines', async () => {
      const request = jobOf({ does: 'print', lines: 2000 });
      await harness.runner.create(request);
      await finished(harness.runner, request.name);
      const tail = await harness.runner.logTail(request.name, 200);
      expect(tail.length).toBeLessThanOrEqual(200);
      expect(tail.trimEnd().split('\n').at(-1)).toBe('line 2000');
      expect(tail).toMatch(/^line \d+\n/);
    });

    test('whoever adopts a Job is told of its end, also of one that was reported to another; its trace stays that of whoever made it', async () => {
      const request = {
        ...jobOf({ does: 'succeed', value: 'done' }),
        trace: { parent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', askedAtMs: 1 },
      };
      await harness.runner.create(request);
      await finished(harness.runner, request.name);
      await harness.runner.acknowledge(request.name);
      expect(await harness.runner.findOpen(request.name)).toBeUndefined();
      expect(await harness.runner.read(request.name)).toMatchObject({ phase: 'finished', acknowledged: true });
      const reset = { ...request, owner: { ...request.owner, runId: 'after a reset' } };
      const successor = harness.successor();
      expect(
        await successor.create({
          ...reset,
          trace: { parent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', askedAtMs: 2 },
        }),
      ).toBe('adopted');
      expect(await successor.listOpen()).toEqual([reset]);
      expect(await harness.starts(request.name)).toBe(1);
    });

    test('an acknowledged Job is not listed again, and is adopted all the same', async () => {
      const request = jobOf({ does: 'succeed', value: 'done' });
      await harness.runner.create(request);
      await finished(harness.runner, request.name);
      await harness.runner.acknowledge(request.name);
      await harness.runner.acknowledge(request.name);
      expect(await harness.runner.listOpen()).toEqual([]);
      expect(await harness.successor().create(request)).toBe('adopted');
      expect(await harness.starts(request.name)).toBe(1);
    });
  });
}
