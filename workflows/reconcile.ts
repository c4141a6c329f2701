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

/** Long enough for an execution that was just reset to adopt its Job. */
const secondLookAfterMs = 60_000;

/**
 * Has endpoints look again where `champion` was moved and no event said so. Finds Jobs that no execution waits for, says
 * which, and ends those that still are when it looks again.
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

// Over in a minute, and the newest code knows best what an orphan is: no build is kept for it.
setWorkflowOptions(movesToNewBuilds, reconcile);

/** An event that comes after all starts the same once more, and changes nothing: what counts is the alias when the turn comes. */
async function redeployMissed(missed: MissedRelease): Promise<void> {
  const { model, endpoint } = missed;
  try {
    await startChild<typeof redeploy>('redeploy', {
      workflowId: `redeploy-${endpoint}-${model}`,
      args: [{ model, endpoint, because: `reconcile: ${describeMissed(missed)}` }],
      parentClosePolicy: 'ABANDON',
    });
  } catch (error) {
    // The one of last time still waits for its turn.
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}

const describe = ({ job, workflowId }: Orphan): string => `- ${job} of ${workflowId}`;
