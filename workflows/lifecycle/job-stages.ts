import { ApplicationFailure, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../../activities/index.ts';
import { decide, type Verdict } from '../../domain/gate/gate.ts';
import type { Artifact } from '../../domain/job/job.ts';
import type { AnyStageSpec } from '../../domain/job/job-request.ts';
import { jobStages, type JobStage, type OutputOf } from '../../domain/job/stages.ts';
import { trackingCalls } from '../activity-options.ts';
import { runStage } from '../run-stage.ts';
import { evaluateSpec, exploreSpec, inputDigestsOf, prepareSpec, tuneSpec } from '../stages.ts';
import type { LifecycleContext } from './lifecycle-context.ts';

const { findChampion, readEvidence, recordVerdict } = proxyActivities<Activities>(trackingCalls);

/**
 * Ends a Job of explore, prepare or evaluate after a day, because a healthy one ends earlier. Tune has its own setting.
 */
const defaultMaximumSeconds = 86_400;

export async function explore(context: LifecycleContext): Promise<void> {
  await runJobStage(context, 'explore', exploreSpec(context.spec, context.inputs));
}

export async function prepare(context: LifecycleContext): Promise<Artifact> {
  const { dataset } = await runJobStage(context, 'prepare', prepareSpec(context.spec, context.inputs));
  return dataset;
}

export async function tune(context: LifecycleContext, dataset: Artifact): Promise<Artifact> {
  const { spec, inputs } = context;
  const { model } = await runJobStage(context, 'tune', tuneSpec(spec, inputs, dataset), spec.tune.maximumSeconds);
  return model;
}

export interface Evaluation {
  readonly evidence: Artifact;
  readonly attacks: Artifact | undefined;
  readonly gate: Verdict;
}

/** Measures the candidate, the base model and the champion, and lets the gate decide on the evidence. */
export async function evaluate(context: LifecycleContext, dataset: Artifact, candidate: Artifact): Promise<Evaluation> {
  const { spec, inputs, state } = context;
  const current = (await findChampion(spec.model))?.weights;
  const champion = current?.digest === candidate.digest ? undefined : current;
  const models = { base: inputs.baseModel, candidate, champion };
  const { evidence, attacks } = await runJobStage(context, 'evaluate', evaluateSpec(spec, inputs, dataset, models));
  const figures = await readEvidence(evidence, [...new Set(spec.gate.map(({ metric }) => metric))]);
  const gate = decide(spec.gate, figures);
  state.recordGate(gate);
  await recordVerdict(inputs.runId, gate);
  return { evidence, attacks, gate };
}

async function runJobStage<S extends JobStage>(
  { spec, inputs, state }: LifecycleContext,
  stage: S,
  stageSpec: AnyStageSpec,
  maximumSeconds = defaultMaximumSeconds,
): Promise<OutputsOf<S>> {
  const success = await runStage({
    spec: stageSpec,
    maximumSeconds,
    tracking: {
      experiment: spec.model,
      parentRunId: inputs.runId,
      inputDigests: inputDigestsOf(inputs),
      reuse: spec.reuse === 'whenUnchanged',
      wandb: spec.tracking.includes('wandb'),
    },
    onAttempt: (attempt) => state.beginAttempt(stage, attempt),
  });
  state.finishStage(stage, success);
  return requireOutputs(stage, success.outputs);
}

/** Holds every output that the stage table names; a Job may report more. */
type OutputsOf<S extends JobStage> = Readonly<Record<OutputOf<S>, Artifact>> &
  Readonly<Record<string, Artifact | undefined>>;

function requireOutputs<S extends JobStage>(stage: S, outputs: Readonly<Record<string, Artifact>>): OutputsOf<S> {
  const missing = jobStages[stage].outputs.filter((name) => !outputs[name]);
  if (missing.length === 0) return outputs;
  const reported = Object.keys(outputs).join(', ') || 'none';
  throw ApplicationFailure.nonRetryable(
    `The Job of ${stage} reported no output named ${missing.join(', ')}; it reported ${reported}.`,
    'BadOutcome',
  );
}
