import { pauseNote, type FailedNow } from '../domain/lifecycle/schedule.ts';
import type { Dependencies } from './dependencies.ts';

export const createScheduleActivities = ({ schedules }: Pick<Dependencies, 'schedules'>) => ({
  /** Pauses the schedule of a lifecycle that fails if that is one failure too many in a row, and notes why. */
  async pauseFailingSchedule(failed: FailedNow): Promise<void> {
    const note = pauseNote(failed, await schedules.endings(failed.id, failed.workflowId));
    if (note !== undefined) await schedules.pause(failed.id, note);
  },
});
