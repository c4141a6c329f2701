import { expect, test } from '@jest/globals';
import { createReconcileActivities } from '../../activities/reconcile.ts';
import type { JobRunner } from '../../domain/job/job.ts';
import { fakeTracking } from '../builders/tracking.ts';
import { jobOf } from '../contract/jobs.ts';
import { activityEnvironment } from '../support/temporal.ts';

test('an orphan is an open Job that no execution awaits; it is ended with the reason', async () => {
  const [awaited, orphan] = [
    jobOf({ does: 'sleep' }),
    { ...jobOf({ does: 'sleep' }), owner: { workflowId: 'gone', runId: 'r', activityId: '1' } },
  ];
  const cancelled: unknown[] = [];
  const runner = {
    listOpen: () => Promise.resolve([awaited, orphan]),
    cancel: (...args: unknown[]) => {
      cancelled.push(args);
      return Promise.resolve();
    },
  } as Partial<JobRunner> as JobRunner;
  const { findOrphans, endOrphans } = createReconcileActivities({
    runner,
    isAwaited: ({ workflowId }) => Promise.resolve(workflowId !== 'gone'),
    tracking: fakeTracking().tracking,
  });
  expect(await activityEnvironment().run(findOrphans)).toEqual([{ job: orphan.name, workflowId: 'gone' }]);
  await activityEnvironment().run(endOrphans, [{ job: orphan.name, workflowId: 'gone' }]);
  expect(cancelled).toEqual([[orphan.name, 'Deleted', 'No execution waits for it: gone has ended.']]);
});
