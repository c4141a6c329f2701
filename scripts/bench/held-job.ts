import { proxyActivities } from '@temporalio/workflow';
import type { JobReport } from '../../domain/job/job-request.ts';
import { running } from '../../workflows/activity-options.ts';
import { heldActivityId, type HoldActivities } from './job-worker-messages.ts';

const { holdJob } = proxyActivities<HoldActivities>({ ...running, activityId: heldActivityId });

/** Waits for one Job that somebody else makes, as a stage does. */
export async function heldJob(): Promise<JobReport> {
  return holdJob();
}
