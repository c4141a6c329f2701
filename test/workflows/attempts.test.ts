import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { FakeActivities } from '../builders/activities.ts';
import { fakeActivities, scriptedJobs } from '../builders/activities.ts';
import { failed } from '../builders/job-reports.ts';
import { specInput } from '../builders/specs.ts';
import { startTimeSkipping } from '../support/temporal.ts';
import { failureOf, LifecycleLab, resultOf } from './lifecycle-lab.ts';

let lab: LifecycleLab;
beforeAll(async () => {
  lab = await LifecycleLab.open(startTimeSkipping());
});
afterAll(() => lab.close());

const tuneJobs = (fakes: FakeActivities) =>
  fakes
    .argumentsOf('runJob')
    .map(([job]) => job)
    .filter(({ spec }) => spec.stage === 'tune');

test('an evicted Job is made again as the next attempt, from the same spec', async () => {
  const fakes = fakeActivities({ runJob: scriptedJobs({ tune: [failed('Evicted')] }) });
  const result = await lab.run(fakes.activities, specInput(), resultOf);

  expect(result).toMatchObject({ verdict: 'promoted' });
  const [first, second, ...more] = tuneJobs(fakes);
  expect(more).toEqual([]);
  expect(first?.identity).toMatchObject({ stage: 'tune', attempt: 1 });
  expect(second).toEqual({ ...first, identity: { ...first?.identity, attempt: 2 }, because: 'after Evicted' });
});

test.each(['GpuOutOfMemory', 'HostOutOfMemory'] as const)(
  'after %s the batch is halved and the accumulation doubled, attempt by attempt',
  async (failureClass) => {
    const fakes = fakeActivities({ runJob: scriptedJobs({ tune: [failed(failureClass), failed(failureClass)] }) });
    const tune = { steps: 10, batchSize: 8, gradientAccumulation: 3 };
    await lab.run(fakes.activities, specInput({ tune }), resultOf);

    expect(tuneJobs(fakes).map(({ spec }) => [spec['batchSize'], spec['gradientAccumulation']])).toEqual([
      [8, 3],
      [4, 6],
      [2, 12],
    ]);
    expect(tuneJobs(fakes).map(({ because }) => because)).toEqual([
      undefined,
      `after ${failureClass}: batchSize 4, gradientAccumulation 6`,
      `after ${failureClass}: batchSize 2, gradientAccumulation 12`,
    ]);
  },
);

test('what others took the place for does not count as a failure', async () => {
  const disrupted = (['NodeLost', 'Preempted', 'Evicted', 'NodeLost'] as const).map((failureClass) =>
    failed(failureClass),
  );
  const fakes = fakeActivities({
    runJob: scriptedJobs({ tune: [failed('Stalled'), ...disrupted, failed('Stalled')] }),
  });
  expect(await lab.run(fakes.activities, specInput(), resultOf)).toMatchObject({ verdict: 'promoted' });
  expect(tuneJobs(fakes).map(({ identity }) => identity.attempt)).toEqual([1, 2, 3, 4, 5, 6, 7]);
});

describe('a lifecycle ends as failed', () => {
  test('where memory did not suffice for a batch of one, which nothing makes smaller', async () => {
    const fakes = fakeActivities({ runJob: scriptedJobs({ tune: [failed('GpuOutOfMemory')] }) });
    const failure = await lab.run(fakes.activities, specInput({ tune: { steps: 10, batchSize: 1 } }), failureOf);
    expect(failure).toMatchObject({ cause: { type: 'GpuOutOfMemory' } });
    expect(tuneJobs(fakes)).toHaveLength(1);
  });

  test('at once where trying again would not help, naming the class and the remedy', async () => {
    const fakes = fakeActivities({ runJob: scriptedJobs({ prepare: [failed('BadData', 'Row 7 has no synopsis.')] }) });
    const failure = await lab.run(fakes.activities, specInput(), failureOf);

    expect(failure).toMatchObject({
      cause: {
        type: 'BadData',
        message:
          'prepare failed. BadData: Row 7 has no synopsis. Correct the rows or columns named above and start again.',
      },
    });
    expect(fakes.argumentsOf('runJob').map(([{ identity }]) => [identity.stage, identity.attempt])).toEqual([
      ['explore', 1],
      ['prepare', 1],
    ]);
    expect(fakes.argumentsOf('closeLifecycle')).toEqual([['parent-run', 'FAILED']]);
  });

  test('after the third failure', async () => {
    const fakes = fakeActivities({
      runJob: scriptedJobs({ tune: Array.from({ length: 9 }, () => failed('Stalled')) }),
    });
    const failure = await lab.run(fakes.activities, specInput(), failureOf);

    expect(failure).toMatchObject({ cause: { type: 'Stalled' } });
    expect(tuneJobs(fakes).map(({ identity }) => identity.attempt)).toEqual([1, 2, 3]);
    expect(fakes.argumentsOf('closeLifecycle')).toEqual([['parent-run', 'FAILED']]);
  });
});
