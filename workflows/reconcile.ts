import { proxyActivities, setCurrentDetails, setWorkflowOptions, sleep } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { Orphan } from '../domain/orphan.ts';
import { ending, recording } from './activity-options.ts';
import { movesToNewBuilds } from './moves-to-new-builds.ts';

const { findOrphans } = proxyActivities<Activities>(recording);
const { endOrphans } = proxyActivities<Activities>(ending);

/** Long enough for an execution that was just reset to adopt its Job. */
const secondLookAfterMs = 60_000;

/** Finds Jobs that no execution waits for, says which, and ends those that still are when it looks again. */
export async function reconcile(): Promise<{ readonly orphans: readonly Orphan[] }> {
  const suspects = await findOrphans();
  if (suspects.length === 0) return { orphans: [] };
  setCurrentDetails(['Nobody seems to wait for these Jobs; they are ended unless somebody does in a minute:', ...suspects.map(describe)].join('\n'));
  await sleep(secondLookAfterMs);
  const orphans = (await findOrphans()).filter(({ job }) => suspects.some((suspect) => suspect.job === job));
  await endOrphans(orphans);
  setCurrentDetails(orphans.length === 0 ? 'Somebody waits for all of them.' : ['Ended:', ...orphans.map(describe)].join('\n'));
  return { orphans };
}

// Over in a minute, and the newest code knows best what an orphan is: no build is kept for it.
setWorkflowOptions(movesToNewBuilds, reconcile);

const describe = ({ job, workflowId }: Orphan): string => `- ${job} of ${workflowId}`;
