import {
  allHandlersFinished,
  CancellationScope,
  condition,
  isCancellation,
  proxyActivities,
  proxyLocalActivities,
  setHandler,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { Verdict } from '../domain/gate/gate.ts';
import type { LifecycleResult, Promotion, Refusal } from '../domain/lifecycle/lifecycle.ts';
import { refusalByGate } from '../domain/lifecycle/refusals.ts';
import { specChecks, trackingCalls } from './activity-options.ts';
import { deploy } from './lifecycle/deploy-stage.ts';
import { evaluate, explore, prepare, tune } from './lifecycle/job-stages.ts';
import { execution, type LifecycleContext } from './lifecycle/lifecycle-context.ts';
import { LifecycleState } from './lifecycle/lifecycle-state.ts';
import { review } from './lifecycle/review-stage.ts';
import { jobWaitSignal, statusQuery } from './messages.ts';
import { createNotices } from './notices.ts';
import { countingFailures } from './pause-failing-schedule.ts';
import { createReview } from './review.ts';

const { checkSpec } = proxyLocalActivities<Activities>(specChecks);
const { findUnchanged, openLifecycle, closeLifecycle } = proxyActivities<Activities>(trackingCalls);

/** The whole path of one model version, from data to endpoint. Its one argument is a LifecycleSpec. */
export function lifecycle(raw: unknown): Promise<LifecycleResult> {
  return countingFailures(() => checkAndRun(raw));
}

async function checkAndRun(raw: unknown): Promise<LifecycleResult> {
  const state = new LifecycleState();
  setHandler(statusQuery, () => state.status);
  setHandler(jobWaitSignal, ({ stage, wait }) => state.reportWait(stage, wait));
  const reviews = createReview((request) => state.updateReview(request));
  const notices = createNotices();

  const spec = await checkSpec(raw);
  state.acceptSpec(spec.model);
  if (spec.skip === 'whenUnchanged') {
    const found = await findUnchanged(spec);
    if (found !== undefined) {
      state.finish('unchanged');
      return { model: spec.model, verdict: 'unchanged', ...(typeof found === 'string' ? { version: found } : found) };
    }
  }
  // Not cancellable: the lifecycle must know of the run that this opens, so that it can close it.
  const inputs = await CancellationScope.nonCancellable(() => openLifecycle(spec, execution()));
  state.openRun(inputs.runId);

  try {
    return await runStages({ spec, inputs, state, reviews, notices });
  } catch (error) {
    await CancellationScope.nonCancellable(() =>
      closeLifecycle(inputs.runId, isCancellation(error) ? 'KILLED' : 'FAILED'),
    );
    throw error;
  }
}

async function runStages(context: LifecycleContext): Promise<LifecycleResult> {
  await explore(context);
  const dataset = await prepare(context);
  const weights = await tune(context, dataset);
  const { evidence, attacks, gate } = await evaluate(context, dataset, weights);
  if (!gate.passed) return finish(context, gate, refusalByGate(gate));

  const { record, refusal } = await review(context, { weights, dataset, evidence });
  if (refusal) return finish(context, gate, refusal);

  const approved = { weights, dataset, evidence, attacks, review: record, verdict: gate };
  return finish(context, gate, await deploy(context, approved));
}

async function finish(
  { spec, inputs, state, notices }: LifecycleContext,
  gate: Verdict,
  outcome: Refusal | Promotion,
): Promise<LifecycleResult> {
  state.finish(outcome.verdict);
  // A cancellation after the outcome comes too late: the run of a released candidate must not end as KILLED.
  await CancellationScope.nonCancellable(async () => {
    await closeLifecycle(inputs.runId, 'FINISHED', outcome.verdict);
    await notices.settled();
    await condition(allHandlersFinished);
  });
  return { model: spec.model, runId: inputs.runId, gate, ...outcome };
}
