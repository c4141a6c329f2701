import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../../activities/index.ts';
import type { Artifact } from '../../domain/job/job.ts';
import type { Refusal } from '../../domain/lifecycle/lifecycle.ts';
import { refusalByReview } from '../../domain/lifecycle/refusals.ts';
import type { ReviewNotice } from '../../domain/review/review-notice.ts';
import type { ReviewRecord, ReviewRequest } from '../../domain/review/review.ts';
import { releaseSteps, trackingCalls } from '../activity-options.ts';
import type { LifecycleContext } from './lifecycle-context.ts';

const { openReview, closeReview } = proxyActivities<Activities>(trackingCalls);
const { verifySubject } = proxyActivities<Activities>(releaseSteps);

export interface Reviewed {
  /** Undefined if the spec asks for no person. */
  readonly record?: ReviewRecord;
  /** Undefined if the candidate may be deployed. */
  readonly refusal?: Refusal;
}

/** Waits for the decision of a person, then verifies that the candidate is still the one that was approved. */
export async function review(
  { spec, inputs, state, reviews, notices }: LifecycleContext,
  artifacts: Readonly<Record<'weights' | 'dataset' | 'evidence', Artifact>>,
): Promise<Reviewed> {
  const rules = spec.review;
  if (rules.by === 'gate') return {};
  state.beginAttempt('review', 1);
  const candidate = { ...artifacts, prompt: inputs.prompt };
  const tell = (notice: ReviewNotice, request: ReviewRequest): void => notices.tell(spec.model, notice, request);
  const decided = await reviews.hold({
    ...(await openReview(candidate)),
    requester: spec.requester,
    rules,
    tell,
  });
  await closeReview(inputs.runId, decided);
  if (decided.outcome !== 'approved')
    return { record: decided, refusal: refusalByReview(decided, rules.deadlineHours) };

  const changes = await verifySubject(candidate, decided.subject);
  if (changes.length === 0) return { record: decided };
  const stale: ReviewRecord = { ...decided, outcome: 'stale', changes };
  await closeReview(inputs.runId, stale);
  const refusal = refusalByReview(stale, rules.deadlineHours);
  if (refusal) tell({ what: 'stale', reason: refusal.reason }, stale);
  return { record: stale, refusal };
}
