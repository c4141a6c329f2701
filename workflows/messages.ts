import { defineQuery, defineUpdate } from '@temporalio/workflow';
import type { LifecycleStatus } from '../domain/lifecycle.ts';
import type { ReviewDecision } from '../domain/review.ts';

/** An Update, not a Signal: the reviewer must hear at once that the digest is stale or nobody waits. */
export const reviewUpdate = defineUpdate<string, [ReviewDecision]>('review');

export const statusQuery = defineQuery<LifecycleStatus>('status');
