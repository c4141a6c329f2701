import type { Orphan } from '../domain/orphan.ts';
import type { Dependencies } from './dependencies.ts';

export const createReconcileActivities = ({ runner, isAwaited }: Pick<Dependencies, 'runner' | 'isAwaited'>) => ({
  /** Open Jobs whose execution has ended, or never was. Changes nothing. */
  async findOrphans(): Promise<Orphan[]> {
    const orphans: Orphan[] = [];
    for (const { name, owner } of await runner.listOpen()) if (!(await isAwaited(owner))) orphans.push({ job: name, workflowId: owner.workflowId });
    return orphans;
  },

  /** Resolves once each is confirmed gone; the tracker then keeps what is left of it, as of any Job. */
  async endOrphans(orphans: readonly Orphan[]): Promise<void> {
    for (const { job, workflowId } of orphans) await runner.cancel(job, 'Deleted', `No execution waits for it: ${workflowId} has ended.`);
  },
});
