import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { Wait } from '../domain/job.ts';
import type { LifecycleStatus } from '../domain/lifecycle.ts';
import type { Delegation, ReviewComment, ReviewDecision } from '../domain/review.ts';

/** Updates, not Signals: a person must hear at once that the digest is stale, somebody else is asked or nobody waits. */
export const reviewUpdate = defineUpdate<string, [ReviewDecision]>('review');
export const commentUpdate = defineUpdate<string, [ReviewComment]>('comment');
export const delegateUpdate = defineUpdate<string, [Delegation]>('delegate');

export const statusQuery = defineQuery<LifecycleStatus>('status');

/** What the Job of a stage waits for; without a `wait`, that it waits no longer. */
export const jobWaitSignal = defineSignal<[{ readonly stage: string; readonly wait?: Wait }]>('jobWait');
