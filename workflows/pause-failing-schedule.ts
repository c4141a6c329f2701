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

/** Runs `work`. If it fails, and its schedule has a limit of failures, counts the failure before throwing it on. */
export async function countingFailures<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { memo, workflowId } = workflowInfo();
    const startedBy = memo?.[scheduleMemo] as StartedBy | undefined;
    // An error of any other kind is a bug in the workflow's code: Temporal retries the task after the bug is fixed.
    if (startedBy?.pauseAfterFailures !== undefined && error instanceof TemporalFailure && !isCancellation(error))
      await CancellationScope.nonCancellable(() =>
        pauseFailingSchedule({ ...startedBy, workflowId, reason: rootCause(error) ?? error.message }),
      );
    throw error;
  }
}
