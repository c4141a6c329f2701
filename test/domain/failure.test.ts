import { describe, expect, test } from '@jest/globals';
import { describeFailure, failurePolicies, maximumAttempts, nextAttempt, type FailureClass } from '../../domain/failure.ts';
import type { StageSpec } from '../../domain/job-request.ts';
import { shrinkAfter } from '../../domain/shrink.ts';
import { tuneSpec } from '../../workflows/stages.ts';
import { artifact } from '../builders/artifacts.ts';
import { inputs } from '../builders/inputs.ts';
import { aSpec } from '../builders/specs.ts';

const failureOf = (failureClass: FailureClass) => ({ class: failureClass, message: 'It broke.' });
const final: FailureClass[] = ['BadSpec', 'BadData', 'ImagePull', 'BadConfig', 'Unschedulable', 'Deadline', 'Deleted'];
const again: FailureClass[] = ['HostOutOfMemory', 'GpuOutOfMemory', 'Unavailable', 'Evicted', 'Preempted', 'NodeLost', 'Stalled', 'Unknown'];

test('every class is either final or tried again', () => {
  expect([...final, ...again].toSorted()).toEqual(Object.keys(failurePolicies).toSorted());
});

test.each(final)('%s is not tried again', (failureClass) => {
  expect(nextAttempt(failureOf(failureClass), 1)).toBeUndefined();
});

test.each(again)('%s is tried three times in all', (failureClass) => {
  const attempts = [1, 2, 3].map((attempt) => nextAttempt(failureOf(failureClass), attempt));
  expect(attempts).toEqual([2, 3, undefined]);
  expect(maximumAttempts).toBe(3);
});

test.each([...final, ...again])('%s is described with its remedy', (failureClass) => {
  const { remedy } = failurePolicies[failureClass];
  expect(remedy).toMatch(/^[A-Z].*\.$/);
  expect(describeFailure(failureOf(failureClass))).toBe(`${failureClass}: It broke. ${remedy}`);
});

describe('after an out-of-memory a stage is retried smaller', () => {
  const tuneOf = (batchSize: number, gradientAccumulation: number): StageSpec =>
    tuneSpec(aSpec({ tune: { steps: 10, batchSize, gradientAccumulation } }), inputs(), artifact('dataset'));

  test.each<FailureClass>(['HostOutOfMemory', 'GpuOutOfMemory'])('%s halves the micro-batch and keeps the effective batch', (failureClass) => {
    expect(shrinkAfter(failureOf(failureClass), tuneOf(8, 3))).toEqual(tuneOf(4, 6));
  });

  test.each(again.filter((c) => !c.endsWith('OutOfMemory')))('%s changes nothing', (failureClass) => {
    expect(shrinkAfter(failureOf(failureClass), tuneOf(8, 3))).toEqual(tuneOf(8, 3));
  });

  test.each([1, 3])('a micro-batch of %d can not be halved', (batchSize) => {
    expect(shrinkAfter(failureOf('GpuOutOfMemory'), tuneOf(batchSize, 2))).toEqual(tuneOf(batchSize, 2));
  });

  test('a stage without a micro-batch is left as it is', () => {
    const spec: StageSpec = { stage: 'noop', input: 1 };
    expect(shrinkAfter(failureOf('HostOutOfMemory'), spec)).toBe(spec);
  });
});
