import { missedReleases, type MissedRelease } from '../domain/endpoint/missed-release.ts';
import type { Orphan } from '../domain/job/job.ts';
import type { Dependencies } from './dependencies.ts';
import { whileBeating } from './heartbeats.ts';

export const createReconcileActivities = ({
  runner,
  isAwaited,
  tracking,
}: Pick<Dependencies, 'runner' | 'isAwaited' | 'tracking'>) => ({
  /** Finds endpoints whose record differs from `champion`. Changes nothing. */
  findMissedReleases: (): Promise<MissedRelease[]> =>
    whileBeating(async () => missedReleases(await tracking.listModels())),

  /** Finds open Jobs whose execution has ended or never existed. Changes nothing. */
  async findOrphans(): Promise<Orphan[]> {
    const orphans: Orphan[] = [];
    for (const { name, owner } of await runner.listOpen())
      if (!(await isAwaited(owner))) orphans.push({ job: name, workflowId: owner.workflowId });
    return orphans;
  },

  /** Resolves after each Job is confirmed gone. The tracker then keeps the job record, as for any Job. */
  async endOrphans(orphans: readonly Orphan[]): Promise<void> {
    for (const { job, workflowId } of orphans)
      await runner.cancel(job, 'Deleted', `No execution waits for it: ${workflowId} has ended.`);
  },
});
