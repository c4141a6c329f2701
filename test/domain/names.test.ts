import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { jobStageNames } from '../../domain/job/stages.ts';
import { jobName, type JobIdentity } from '../../domain/names.ts';

const identity: fc.Arbitrary<JobIdentity> = fc.record({
  // Of any signs, and long ones of which all could stand in a name; by default fast-check keeps texts short.
  workflowId: fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 200 }),
    fc.string({ unit: fc.constantFrom(...'abc019-/'), maxLength: 200, size: 'max' }),
  ),
  firstExecutionRunId: fc.uuid(),
  stage: fc.constantFrom(...jobStageNames, 'trial-of-a-sweep-with-a-long-name-12'),
  attempt: fc.nat({ max: 99 }),
});
const same = (a: JobIdentity, b: JobIdentity) =>
  a.workflowId === b.workflowId &&
  a.firstExecutionRunId === b.firstExecutionRunId &&
  a.stage === b.stage &&
  a.attempt === b.attempt;

describe('a Job name', () => {
  test('is an RFC 1123 label with room for the number of a pod, whatever the workflow ID', () => {
    fc.assert(
      fc.property(identity, (given) => {
        const name = jobName(given);
        expect(name).toMatch(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);
        expect(name.length).toBeLessThanOrEqual(63 - '-999'.length);
      }),
    );
  });

  test('is the same for the same identity', () => {
    fc.assert(fc.property(identity, (given) => expect(jobName({ ...given })).toBe(jobName(given))));
  });

  test('differs where any part of the identity does', () => {
    const other = fc.tuple(
      identity,
      identity,
      fc.subarray(['workflowId', 'firstExecutionRunId', 'stage', 'attempt'] as const),
    );
    fc.assert(
      fc.property(other, ([one, source, changed]) => {
        const two = { ...one, ...Object.fromEntries(changed.map((part) => [part, source[part]])) };
        expect(jobName(two) === jobName(one)).toBe(same(one, two));
      }),
    );
  });

  const plain: JobIdentity = {
    workflowId: 'Nightly Summaries/42',
    firstExecutionRunId: '0190',
    stage: 'tune',
    attempt: 2,
  };

  test('can be read', () => {
    expect(jobName(plain)).toMatch(/^tl-nightly-summaries-42-[0-9a-f]{10}-tune-2$/);
  });

  test.each<[string, Partial<JobIdentity>]>([
    ['another execution of the same workflow ID', { firstExecutionRunId: '0191' }],
    ['a workflow ID that differs where the name is cut', { workflowId: `${'a'.repeat(60)}b` }],
    ['a workflow ID that differs in signs only', { workflowId: 'nightly-summaries-42' }],
    ['another attempt', { attempt: 3 }],
  ])('differs for %s', (_what, change) => {
    const before = { ...plain, ...(change.workflowId?.startsWith('aaa') ? { workflowId: `${'a'.repeat(60)}c` } : {}) };
    expect(jobName({ ...before, ...change })).not.toBe(jobName(before));
  });
});
