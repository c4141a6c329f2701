import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { proxyActivities, setCurrentDetails, setWorkflowOptions, sleep, startChild } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { describeMissed, type MissedRelease } from '../domain/endpoint/missed-release.ts';
import type { Orphan } from '../domain/job/job.ts';
import { jobCancellations, endpointCalls, trackingCalls } from './activity-options.ts';
import { movesToNewBuilds } from './moves-to-new-builds.ts';
import type { redeploy } from './redeploy.ts';

const { findOrphans } = proxyActivities<Activities>(trackingCalls);
const { findMissedReleases } = proxyActivities<Activities>(endpointCalls);
const { endOrphans } = proxyActivities<Activities>(jobCancellations);

/** An execution that was just reset adopts its Job in less time than this. */
const secondLookAfterMs = 60_000;

/**
 * Starts a redeploy for each endpoint whose `champion` was moved without an event. Finds Jobs that no execution waits
 * for, reports them, and ends those that are still orphans after a second look.
 */
export async function reconcile(): Promise<{ readonly orphans: readonly Orphan[] }> {
  for (const missed of await findMissedReleases()) await redeployMissed(missed);
  const suspects = await findOrphans();
  if (suspects.length === 0) return { orphans: [] };
  setCurrentDetails(
    [
      'Nobody seems to wait for these Jobs; they are ended unless somebody does in a minute:',
      ...suspects.map(describe),
    ].join('\n'),
  );
  await sleep(secondLookAfterMs);
  const orphans = (await findOrphans()).filter(({ job }) => suspects.some((suspect) => suspect.job === job));
  await endOrphans(orphans);
  setCurrentDetails(
    orphans.length === 0 ? 'Somebody waits for all of them.' : ['Ended:', ...orphans.map(describe)].join('\n'),
  );
  return { orphans };
}

// Always use the newest code: this workflow ends within minutes, and the newest build knows best which Jobs are
// orphans.
setWorkflowOptions(movesToNewBuilds, reconcile);

/**
 * A late event starts the same redeploy once more, which changes nothing, because the endpoint reads the alias when it
 * handles the request.
 */
async function redeployMissed(missed: MissedRelease): Promise<void> {
  const { model, endpoint } = missed;
  try {
    await startChild<typeof redeploy>('redeploy', {
      workflowId: `redeploy-${endpoint}-${model}`,
      args: [{ model, endpoint, because: `reconcile: ${describeMissed(missed)}` }],
      parentClosePolicy: 'ABANDON',
    });
  } catch (error) {
    // The redeploy of the last reconcile is still in the queue.
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}

const describe = ({ job, workflowId }: Orphan): string => `- ${job} of ${workflowId}`;
