import { pauseNote, type FailedNow } from '../domain/lifecycle/schedule.ts';
import type { Dependencies } from './dependencies.ts';

export const createScheduleActivities = ({ schedules }: Pick<Dependencies, 'schedules'>) => ({
  /** Pauses the schedule of a failed lifecycle if it reached its limit of failures in a row, and notes the reason. */
  async pauseFailingSchedule(failed: FailedNow): Promise<void> {
    const note = pauseNote(failed, await schedules.endings(failed.id, failed.workflowId));
    if (note !== undefined) await schedules.pause(failed.id, note);
  },
});
