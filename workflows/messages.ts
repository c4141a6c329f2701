import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { Wait } from '../domain/job/job.ts';
import type { LifecycleStatus } from '../domain/lifecycle/lifecycle.ts';
import type { EndpointStatus, ReleaseReply, ReleaseRequest } from '../domain/endpoint/roll-out.ts';
import type { Delegation, ReviewComment, ReviewDecision } from '../domain/review/review.ts';

/**
 * Updates, not Signals: a person must hear at once that the digest is stale, that they may not decide, or that no
 * review is open.
 */
export const reviewUpdate = defineUpdate<string, [ReviewDecision]>('review');
export const commentUpdate = defineUpdate<string, [ReviewComment]>('comment');
export const delegateUpdate = defineUpdate<string, [Delegation]>('delegate');

export const statusQuery = defineQuery<LifecycleStatus>('status');

/** Reports the reason why the Job of a stage does not run yet. Without a `wait`, the Job does not wait any more. */
export const jobWaitSignal = defineSignal<[{ readonly stage: string; readonly wait?: Wait }]>('jobWait');

/** Signals, not an Update: a roll-out takes hours, and an open Update would have to last as long. */
export const releaseSignal = defineSignal<[ReleaseRequest]>('release');
export const withdrawSignal = defineSignal<[string]>('withdraw');
/** The reply to the execution that sent the request. */
export const releaseEndedSignal = defineSignal<[ReleaseReply]>('releaseEnded');

export interface Rollback {
  readonly requester: string;
  readonly because: string;
}

/** An Update, because a person must hear at once that there is no release to go back to. */
export const rollbackUpdate = defineUpdate<string, [Rollback]>('rollback');
export const endpointStatusQuery = defineQuery<EndpointStatus>('status');
