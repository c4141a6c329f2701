import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { Wait } from '../domain/job/job.ts';
import type { LifecycleStatus } from '../domain/lifecycle/lifecycle.ts';
import type { EndpointStatus, ReleaseReply, ReleaseRequest } from '../domain/endpoint/roll-out.ts';
import type { Delegation, ReviewComment, ReviewDecision } from '../domain/review/review.ts';

/** Updates, not Signals: a person must hear at once that the digest is stale, somebody else is asked or nobody waits. */
export const reviewUpdate = defineUpdate<string, [ReviewDecision]>('review');
export const commentUpdate = defineUpdate<string, [ReviewComment]>('comment');
export const delegateUpdate = defineUpdate<string, [Delegation]>('delegate');

export const statusQuery = defineQuery<LifecycleStatus>('status');

/** What the Job of a stage waits for; without a `wait`, that it waits no longer. */
export const jobWaitSignal = defineSignal<[{ readonly stage: string; readonly wait?: Wait }]>('jobWait');

/** Signals, not an Update: a roll-out takes hours, and who waits for its end holds nothing while it does. */
export const releaseSignal = defineSignal<[ReleaseRequest]>('release');
export const withdrawSignal = defineSignal<[string]>('withdraw');
/** Sent back to the execution that asked. */
export const releaseEndedSignal = defineSignal<[ReleaseReply]>('releaseEnded');

export interface Rollback {
  readonly requester: string;
  readonly because: string;
}

/** An Update, because a person must hear at once that there is no release to go back to. */
export const rollbackUpdate = defineUpdate<string, [Rollback]>('rollback');
export const endpointStatusQuery = defineQuery<EndpointStatus>('status');
