import { describe, expect, test } from '@jest/globals';
import {
  describeFailure,
  failurePolicies,
  maximumDisruptions,
  maximumFailures,
  tryAgainAfter,
  type FailureClass,
  type Tally,
} from '../../../domain/job/failure.ts';
import type { StageSpec } from '../../../domain/job/job-request.ts';
import { reduceBatchAfter } from '../../../domain/job/reduce-batch.ts';
import { tuneSpec } from '../../../workflows/stages.ts';
import { artifact } from '../../builders/artifacts.ts';
import { inputs } from '../../builders/inputs.ts';
import { aSpec } from '../../builders/specs.ts';

const failureOf = (failureClass: FailureClass) => ({ class: failureClass, message: 'It broke.' });
const final: FailureClass[] = ['BadSpec', 'BadData', 'ImagePull', 'BadConfig', 'Unschedulable', 'Deadline', 'Deleted'];
const again: FailureClass[] = [
  'HostOutOfMemory',
  'GpuOutOfMemory',
  'Unavailable',
  'Evicted',
  'Preempted',
  'NodeLost',
  'Stalled',
  'Unknown',
];

test('every class is either final or tried again', () => {
  expect([...final, ...again].toSorted()).toEqual(Object.keys(failurePolicies).toSorted());
});

const none: Tally = { failures: 0, disruptions: 0 };
const disruptions: FailureClass[] = ['Evicted', 'Preempted', 'NodeLost'];

/** How many Jobs there are if each ends like this. */
function attemptsOf(failureClass: FailureClass): number {
  let attempts = 1;
  for (
    let tally = tryAgainAfter(failureOf(failureClass), none);
    tally !== undefined;
    tally = tryAgainAfter(failureOf(failureClass), tally)
  )
    attempts += 1;
  return attempts;
}

test.each(final)('%s is not tried again', (failureClass) => {
  expect(tryAgainAfter(failureOf(failureClass), none)).toBeUndefined();
});

test.each(again.filter((c) => !disruptions.includes(c)))('%s is tried three times in all', (failureClass) => {
  expect(maximumFailures).toBe(3);
  expect(attemptsOf(failureClass)).toBe(3);
});

test.each(disruptions)('%s is no failure of the Job, which starts again up to twenty times', (failureClass) => {
  expect(attemptsOf(failureClass)).toBe(maximumDisruptions);
  expect(tryAgainAfter(failureOf(failureClass), { failures: 2, disruptions: 0 })).toEqual({
    failures: 2,
    disruptions: 1,
  });
});

test.each([...final, ...again])('%s is described with its remedy', (failureClass) => {
  const { remedy } = failurePolicies[failureClass];
  expect(remedy).toMatch(/^[A-Z].*\.$/);
  expect(describeFailure(failureOf(failureClass))).toBe(`${failureClass}: It broke. ${remedy}`);
});

describe('after an out-of-memory a stage is retried smaller', () => {
  const tuneOf = (batchSize: number, gradientAccumulation: number): StageSpec =>
    tuneSpec(aSpec({ tune: { steps: 10, batchSize, gradientAccumulation } }), inputs(), artifact('dataset'));

  test.each<FailureClass>(['HostOutOfMemory', 'GpuOutOfMemory'])(
    '%s halves the micro-batch and keeps the effective batch',
    (failureClass) => {
      expect(reduceBatchAfter(failureOf(failureClass), tuneOf(8, 3))).toEqual(tuneOf(4, 6));
    },
  );

  test.each(again.filter((c) => !c.endsWith('OutOfMemory')))('%s changes nothing', (failureClass) => {
    expect(reduceBatchAfter(failureOf(failureClass), tuneOf(8, 3))).toEqual(tuneOf(8, 3));
  });

  test.each([
    [3, 1, 6],
    [9, 3, 6],
    [35, 7, 10],
  ])('an odd micro-batch of %d becomes %d, and the effective batch stays', (batchSize, smaller, accumulation) => {
    expect(reduceBatchAfter(failureOf('GpuOutOfMemory'), tuneOf(batchSize, 2))).toEqual(tuneOf(smaller, accumulation));
  });

  test('a micro-batch of one leaves nothing to try', () => {
    expect(reduceBatchAfter(failureOf('GpuOutOfMemory'), tuneOf(1, 2))).toBeUndefined();
  });

  test.each([
    [8, 1, 2, { batchSize: 2, gradientAccumulation: 4 }],
    [8, 2, 2, { batchSize: 4, gradientAccumulation: 4 }],
    [4, 3, 2, { batchSize: 1, gradientAccumulation: 12 }],
    [4, 1, 4, undefined],
  ])(
    'where a batch of %d, accumulated %d times, is shared by %d nodes, what one of them takes at once gets smaller',
    (batchSize, gradientAccumulation, nodes, smaller) => {
      const spec = { ...tuneOf(batchSize, gradientAccumulation), nodes };
      expect(reduceBatchAfter(failureOf('GpuOutOfMemory'), spec)).toEqual(smaller && { ...spec, ...smaller });
    },
  );

  test('and GPUs share it like nodes', () => {
    const shared = { nodes: 2, gpusPerNode: 2 };
    expect(reduceBatchAfter(failureOf('GpuOutOfMemory'), Object.assign(tuneOf(8, 2), shared))).toEqual({
      ...tuneOf(2, 8),
      ...shared,
    });
    expect(
      reduceBatchAfter(failureOf('GpuOutOfMemory'), Object.assign(tuneOf(8, 2), shared, { gpusPerNode: 8 })),
    ).toBeUndefined();
  });

  test('a stage without a micro-batch has none either', () => {
    const spec = { stage: 'score', rows: 1 };
    expect(reduceBatchAfter(failureOf('HostOutOfMemory'), spec)).toBeUndefined();
    expect(reduceBatchAfter(failureOf('Evicted'), spec)).toBe(spec);
  });
});
