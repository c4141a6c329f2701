import {
  CancellationScope,
  isCancellation,
  proxyActivities,
  rootCause,
  TemporalFailure,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { scheduleMemo, type StartedBy } from '../domain/lifecycle/schedule.ts';
import { trackingCalls } from './activity-options.ts';

const { pauseFailingSchedule } = proxyActivities<Activities>(trackingCalls);

/** Where a schedule started this and says after how many failures it is paused, a failure of `work` is counted before it is thrown on. */
export async function countingFailures<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { memo, workflowId } = workflowInfo();
    const startedBy = memo?.[scheduleMemo] as StartedBy | undefined;
    // An error of any other kind is a bug in the workflow's code: Temporal tries the task again once that is mended.
    if (startedBy?.pauseAfterFailures !== undefined && error instanceof TemporalFailure && !isCancellation(error))
      await CancellationScope.nonCancellable(() =>
        pauseFailingSchedule({ ...startedBy, workflowId, reason: rootCause(error) ?? error.message }),
      );
    throw error;
  }
}
