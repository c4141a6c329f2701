import type { Artifact } from '../domain/job/job.ts';
import type { StageSpec } from '../domain/job/job-request.ts';
import type { LifecycleSpec } from '../domain/spec/lifecycle-spec.ts';
import type { LifecycleInputs } from '../domain/lifecycle/lifecycle.ts';
import type { Role } from '../domain/gate/evidence.ts';

/** Builds the spec of each Job from the spec and the inputs of a lifecycle. */

export const exploreSpec = (spec: LifecycleSpec, inputs: LifecycleInputs): StageSpec => ({
  stage: 'explore',
  data: dataOf(spec, inputs),
  baseModel: inputs.baseModel.uri,
  maxTokens: spec.tune.maxTokens,
  heldOutExamples: spec.data.heldOutExamples,
  harness: spec.evaluate.harness && harnessTasks(spec.evaluate.harness, inputs),
  garak: spec.evaluate.garak,
  seed: spec.seed,
});

export const prepareSpec = (spec: LifecycleSpec, inputs: LifecycleInputs): StageSpec => ({
  stage: 'prepare',
  data: dataOf(spec, inputs),
  baseModel: inputs.baseModel.uri,
  prompt: inputs.prompt,
  heldOutExamples: spec.data.heldOutExamples,
  trainExamples: spec.data.trainExamples,
  maxTokens: spec.tune.maxTokens,
  keepColumns: keepColumns(spec),
  seed: spec.seed,
});

export function tuneSpec(spec: LifecycleSpec, inputs: LifecycleInputs, dataset: Artifact): StageSpec {
  const { maximumSeconds: _deadline, ...settings } = spec.tune;
  return {
    stage: 'tune',
    dataset,
    baseModel: inputs.baseModel.uri,
    ...settings,
    gpusPerNode: inputs.gpusPerNode,
    seed: spec.seed,
  };
}

export function evaluateSpec(
  spec: LifecycleSpec,
  inputs: LifecycleInputs,
  dataset: Artifact,
  models: Readonly<Partial<Record<Role, Artifact>>>,
): StageSpec {
  // The currency is for readers: it must not change the Job's digest.
  const { attacks, harness, currency: _currency, ...settings } = spec.evaluate;
  return {
    stage: 'evaluate',
    dataset,
    models: (['base', 'candidate', 'champion'] as const).flatMap((role) => {
      const model = models[role];
      return model === undefined ? [] : [{ role, ...model }];
    }),
    ...settings,
    attacks: attacks ? { template: inputs.prompt.template, input: spec.data.input } : undefined,
    harness: harness && { ...harnessTasks(harness, inputs), limit: harness.limit },
    seed: spec.seed,
  };
}

/** Digests of what each stage's spec names only by reference. */
export const inputDigestsOf = ({
  codeDigest,
  data,
  baseModel,
}: Pick<LifecycleInputs, 'codeDigest' | 'data' | 'baseModel'>): readonly string[] => [
  codeDigest,
  data.digest,
  baseModel.digest,
];

const harnessTasks = ({ tasks }: NonNullable<LifecycleSpec['evaluate']['harness']>, inputs: LifecycleInputs) => ({
  tasks,
  includePath: inputs.harnessTasks,
});

/** The columns that evaluate needs beside the prompt. */
function keepColumns({ data, evaluate }: LifecycleSpec): string[] | undefined {
  const columns = new Set([...(evaluate.slices ?? []), ...(evaluate.attacks ? data.input : [])]);
  return columns.size === 0 ? undefined : [...columns];
}

const dataOf = (spec: LifecycleSpec, inputs: LifecycleInputs) => ({
  uri: inputs.data.uri,
  input: spec.data.input,
  target: spec.data.target,
  group: spec.data.group,
});
