import { ScheduleAlreadyRunning, type Client } from '@temporalio/client';
import { taskQueue } from '../config.ts';

/**
 * Ensures that `reconcile` runs four times an hour. Keeps an existing schedule as it is: people may change or pause it.
 */
export async function ensureSchedules(client: Client): Promise<void> {
  await client.schedule
    .create({
      scheduleId: 'tuneline-reconcile',
      spec: { intervals: [{ every: '15 minutes' }] },
      policies: { overlap: 'SKIP' },
      action: {
        type: 'startWorkflow',
        workflowType: 'reconcile',
        workflowId: 'tuneline-reconcile',
        taskQueue,
        args: [],
      },
    })
    .catch((error: unknown) => {
      if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    });
}
