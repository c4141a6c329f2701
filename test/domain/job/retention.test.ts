import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { planRetention, type JobRun, type Retention } from '../../../domain/job/retention.ts';
import { digestOfText } from '../../../domain/digest.ts';

const dayMs = 24 * 3_600_000;
const nowMs = 1_000 * dayMs;
const retention = (change: Partial<Retention> = {}): Retention => ({
  keepDays: 30,
  nowMs,
  openLifecycles: [],
  named: new Map(),
  ...change,
});
const digest = digestOfText('weights');
const run = (change: Partial<JobRun> = {}): JobRun => ({
  runId: 'r',
  job: 'tl-weekly-1-tune-1',
  endedAtMs: nowMs - 31 * dayMs,
  outcome: { kind: 'succeeded', outputs: { model: { uri: 'file:///model', digest } }, figures: {} },
  ...change,
});
const reasons = (given: JobRun, change?: Partial<Retention>) =>
  planRetention([given], retention(change)).keep.map(({ because }) => because);

describe('what a Job wrote is kept', () => {
  test.each<[string, JobRun, Partial<Retention>, string]>([
    [
      'as long as an alias names one of its outputs',
      run({ endedAtMs: 0 }),
      { named: new Map([[digest, 'alias champion of version 3']]) },
      'alias champion of version 3 names it',
    ],
    [
      'while a lifecycle of the model is open',
      run({ endedAtMs: 0 }),
      { openLifecycles: ['weekly-7'] },
      'lifecycle weekly-7 is open',
    ],
    ['for so many days', run({ endedAtMs: nowMs - 29 * dayMs }), {}, 'it ended less than 30 days ago'],
  ])('%s', (_what, given, change, because) => expect(reasons(given, change)).toEqual([because]));

  test('while its run goes on', () => {
    const { endedAtMs: _end, ...running } = run();
    expect(reasons(running)).toEqual(['its run has not ended']);
  });
});

test.each<[string, JobRun]>([
  ['a success', run()],
  ['a failure', run({ outcome: { kind: 'failed', failure: { class: 'BadData', message: 'no' } } })],
])('%s that is old and that nothing names goes', (_what, given) => {
  expect(planRetention([given], retention({ named: new Map([[digestOfText('other'), 'champion']]) }))).toEqual({
    remove: [given],
    keep: [],
  });
});

test('each is either kept or removed; more names, more open lifecycles and more days never remove more', () => {
  const digests = ['a', 'b', 'c'].map(digestOfText);
  const anyRun = fc
    .record({ at: fc.option(fc.integer({ min: 0, max: 100 })), which: fc.option(fc.constantFrom(...digests)) })
    .map(({ at, which }) => {
      const { endedAtMs: _end, ...open } = run({
        outcome: {
          kind: 'succeeded',
          outputs: which ? { model: { uri: 'file:///m', digest: which } } : {},
          figures: {},
        },
      });
      return at === null ? open : { ...open, endedAtMs: nowMs - at * dayMs };
    });
  const anyRetention = fc.record({
    keepDays: fc.integer({ min: 0, max: 100 }),
    named: fc.subarray(digests),
    open: fc.subarray(['x', 'y']),
  });
  fc.assert(
    fc.property(fc.array(anyRun), anyRetention, anyRetention, (runs, a, b) => {
      const plan = ({ keepDays, named, open }: typeof a) =>
        planRetention(
          runs,
          retention({ keepDays, named: new Map(named.map((d) => [d, 'champion'])), openLifecycles: open }),
        );
      const one = plan(a);
      expect(one.remove.length + one.keep.length).toBe(runs.length);
      const both = plan({
        keepDays: Math.max(a.keepDays, b.keepDays),
        named: [...a.named, ...b.named],
        open: [...a.open, ...b.open],
      });
      expect(one.remove).toEqual(expect.arrayContaining([...both.remove]));
    }),
  );
});
