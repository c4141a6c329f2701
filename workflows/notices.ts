import { proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { describeNotice, type ReviewNotice } from '../domain/review/review-notice.ts';
import type { ReviewRequest } from '../domain/review/review.ts';
import { notifications } from './activity-options.ts';

const { tellTeam } = proxyActivities<Activities>(notifications);

/** Notifies the team. A failed notification appears in the history, and does not stop the workflow. */
export function createNotices() {
  const underway: Promise<unknown>[] = [];
  return {
    tell(model: string, notice: ReviewNotice, review: ReviewRequest): void {
      const { workflowId } = workflowInfo();
      underway.push(tellTeam(describeNotice(notice, { workflowId, model, review })).catch(() => undefined));
    },
    say(text: string): void {
      underway.push(tellTeam(text).catch(() => undefined));
    },
    /** Waits until every notification was sent or has failed for good. */
    async settled(): Promise<void> {
      await Promise.all(underway);
    },
  };
}
