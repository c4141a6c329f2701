import {
  ApplicationFailure,
  CancellationScope,
  isCancellation,
  proxyActivities,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { describeFailure, tryAgainAfter, type Tally } from '../domain/job/failure.ts';
import type { JobOutcome } from '../domain/job/job.ts';
import type { AnyStageSpec, StageTracking } from '../domain/job/job-request.ts';
import { reduceBatchAfter } from '../domain/job/reduce-batch.ts';
import { jobCancellations, running } from './activity-options.ts';

const { runJob } = proxyActivities<Activities>(running);
const { cancelJob } = proxyActivities<Activities>(jobCancellations);

export interface StageToRun {
  readonly spec: AnyStageSpec;
  readonly maximumSeconds: number;
  readonly tracking: StageTracking;
  readonly onAttempt?: ((attempt: number) => void) | undefined;
}

export type StageSuccess = Extract<JobOutcome, { kind: 'succeeded' }> & { readonly reused: boolean };

/**
 * Runs one stage as a Job, and retries it as the failure class says. On a cancellation it ends the Job, and confirms
 * that the Job is gone before it throws.
 */
export async function runStage({ spec, maximumSeconds, tracking, onAttempt }: StageToRun): Promise<StageSuccess> {
  const { workflowId, firstExecutionRunId } = workflowInfo();
  const { stage } = spec;
  let attempted = spec;
  let tally: Tally = { failures: 0, disruptions: 0 };
  let because: string | undefined;
  for (let attempt = 1; ; attempt++) {
    onAttempt?.(attempt);
    const identity = { workflowId, firstExecutionRunId, stage, attempt };
    try {
      const { outcome, reused } = await runJob({ identity, spec: attempted, maximumSeconds, tracking, because });
      if (outcome.kind === 'succeeded') return { ...outcome, reused };
      const [next, smaller] = [tryAgainAfter(outcome.failure, tally), reduceBatchAfter(outcome.failure, attempted)];
      if (next === undefined || smaller === undefined)
        throw ApplicationFailure.nonRetryable(
          `${stage} failed. ${describeFailure(outcome.failure)}`,
          outcome.failure.class,
        );
      tally = next;
      because = `after ${outcome.failure.class}${describeChange(attempted, smaller)}`;
      attempted = smaller;
    } catch (error) {
      if (isCancellation(error)) await CancellationScope.nonCancellable(() => cancelJob(identity));
      throw error;
    }
  }
}

/** Lists the settings of the next attempt that differ from the last one's. */
const describeChange = (before: AnyStageSpec, after: AnyStageSpec): string =>
  Object.entries(after)
    .filter(([name, value]) => value !== Object.entries(before).find(([other]) => other === name)?.[1])
    .map(([name, value], i) => `${i === 0 ? ': ' : ', '}${name} ${String(value)}`)
    .join('');
