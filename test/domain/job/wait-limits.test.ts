import { expect, test } from '@jest/globals';
import { checkWait } from '../../../domain/job/wait-limits.ts';
import type { Wait } from '../../../domain/job/job.ts';

const minutes = (n: number) => n * 60_000;
const waitFor = (what: Wait['for'], more: Partial<Wait> = {}): Wait => ({
  for: what,
  sinceMs: 1000,
  message: 'no room',
  ...more,
});

test.each<[Wait['for'], number, string]>([
  ['node', 60, 'Unschedulable'],
  ['image', 5, 'ImagePull'],
  ['start', 15, 'BadConfig'],
])('waiting for %s is given up after %i minutes as %s', (what, limit, cause) => {
  expect(checkWait(waitFor(what), 1000 + minutes(limit) - 1)).toBeUndefined();
  expect(checkWait(waitFor(what), 1000 + minutes(limit))).toEqual({
    cause,
    reason: `It waited longer than ${limit} minutes: no room`,
  });
});

test('a queue is waited for as long as it takes', () => {
  expect(checkWait(waitFor('quota'), 1000 + minutes(60 * 24 * 365))).toBeUndefined();
});

test('what no time will mend is given up at once', () => {
  expect(checkWait(waitFor('image', { hopeless: true }), 1000)).toEqual({ cause: 'ImagePull', reason: 'no room' });
});
