import { workflowInfo } from '@temporalio/workflow';
import type { LifecycleInputs } from '../../domain/lifecycle/lifecycle.ts';
import type { LifecycleSpec } from '../../domain/spec/lifecycle-spec.ts';
import type { createNotices } from '../notices.ts';
import type { createReview } from '../review.ts';
import type { LifecycleState } from './lifecycle-state.ts';

/** Each stage of a lifecycle takes this as its first argument. */
export interface LifecycleContext {
  readonly spec: LifecycleSpec;
  readonly inputs: LifecycleInputs;
  readonly state: LifecycleState;
  readonly reviews: ReturnType<typeof createReview>;
  readonly notices: ReturnType<typeof createNotices>;
}

export function execution() {
  const { workflowId, firstExecutionRunId } = workflowInfo();
  return { workflowId, firstExecutionRunId };
}
