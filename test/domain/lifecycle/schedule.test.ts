import { expect, test } from '@jest/globals';
import { failuresInARow, pauseNote, type Ending } from '../../../domain/lifecycle/schedule.ts';

test.each<[Ending[], number]>([
  [[], 0],
  [['failed'], 1],
  [['failed', 'failed', 'promoted', 'failed'], 2],
  [['rejected', 'failed'], 0],
  [['unchanged', 'failed'], 0],
  [['running', 'failed', 'cancelled', 'failed', 'rejected'], 2],
])('after %j it is %d in a row', (newestFirst, row) => {
  expect(failuresInARow(newestFirst)).toBe(row);
});

const failed = { id: 'weekly', workflowId: 'weekly-3', reason: 'The spec was refused.\n  tune: …' };

test('the failure that makes it as many as are allowed pauses the schedule, in one line', () => {
  expect(pauseNote({ ...failed, pauseAfterFailures: 3 }, ['failed', 'promoted', 'failed'])).toBeUndefined();
  expect(pauseNote({ ...failed, pauseAfterFailures: 3 }, ['failed', 'failed', 'promoted'])).toBe(
    '3 failed in a row, weekly-3 the last: The spec was refused.',
  );
});

test('after a person had it go on, one more is enough', () => {
  expect(pauseNote({ ...failed, pauseAfterFailures: 3 }, ['failed', 'failed', 'failed'])).toMatch(/^4 failed in a row/);
});

test('a schedule that says nothing of failures is never paused', () => {
  expect(pauseNote(failed, Array<Ending>(10).fill('failed'))).toBeUndefined();
});
