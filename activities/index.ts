import { createSpecActivities } from './check-spec.ts';
import type { Dependencies } from './dependencies.ts';
import { createEndpointActivities } from './endpoint.ts';
import { createEvidenceActivities } from './evidence.ts';
import { createJobActivities } from './jobs.ts';
import { createReconcileActivities } from './reconcile.ts';
import { createRecordActivities } from './lifecycle-record.ts';
import { createMonitoringActivities } from './monitoring.ts';
import { createNotificationActivities } from './notifications.ts';
import { createReleaseActivities } from './releases.ts';
import { createReviewActivities } from './reviews.ts';
import { createTrialActivities } from './trials.ts';
import { createScheduleActivities } from './schedules.ts';
import { createUnchangedActivities } from './unchanged.ts';

export const createActivities = (dependencies: Dependencies) => ({
  ...createSpecActivities(dependencies),
  ...createUnchangedActivities(dependencies),
  ...createRecordActivities(dependencies),
  ...createJobActivities(dependencies),
  ...createEvidenceActivities(dependencies),
  ...createReviewActivities(dependencies),
  ...createNotificationActivities(dependencies),
  ...createReleaseActivities(dependencies),
  ...createEndpointActivities(dependencies),
  ...createTrialActivities(dependencies),
  ...createReconcileActivities(dependencies),
  ...createScheduleActivities(dependencies),
  ...createMonitoringActivities(dependencies),
});

export type Activities = ReturnType<typeof createActivities>;
