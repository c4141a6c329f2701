import { missedReleases, type MissedRelease } from '../domain/endpoint/missed-release.ts';
import type { Orphan } from '../domain/job/job.ts';
import type { Dependencies } from './dependencies.ts';
import { whileBeating } from './heartbeats.ts';

export const createReconcileActivities = ({
  runner,
  isAwaited,
  tracking,
}: Pick<Dependencies, 'runner' | 'isAwaited' | 'tracking'>) => ({
  /** Endpoints whose record is not what `champion` names. Changes nothing. */
  findMissedReleases: (): Promise<MissedRelease[]> =>
    whileBeating(async () => missedReleases(await tracking.listModels())),

  /** Open Jobs whose execution has ended, or never was. Changes nothing. */
  async findOrphans(): Promise<Orphan[]> {
    const orphans: Orphan[] = [];
    for (const { name, owner } of await runner.listOpen())
      if (!(await isAwaited(owner))) orphans.push({ job: name, workflowId: owner.workflowId });
    return orphans;
  },

  /** Resolves once each is confirmed gone; the tracker then keeps what is left of it, as of any Job. */
  async endOrphans(orphans: readonly Orphan[]): Promise<void> {
    for (const { job, workflowId } of orphans)
      await runner.cancel(job, 'Deleted', `No execution waits for it: ${workflowId} has ended.`);
  },
});
