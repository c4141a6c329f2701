import type { Artifact } from '../domain/job.ts';
import type { StageSpec } from '../domain/job-request.ts';
import type { LifecycleSpec } from '../domain/lifecycle-spec.ts';
import type { LifecycleInputs } from '../domain/lifecycle.ts';
import type { Role } from '../domain/evidence.ts';

/** From a lifecycle's spec and inputs to what each Job is told. */

export const exploreSpec = (spec: LifecycleSpec, inputs: LifecycleInputs): StageSpec => ({
  stage: 'explore',
  data: dataOf(spec, inputs),
  baseModel: inputs.baseModel.uri,
  maxTokens: spec.tune.maxTokens,
  heldOutExamples: spec.data.heldOutExamples,
  ...(spec.evaluate.harness ? { harness: harnessTasks(spec.evaluate.harness, inputs) } : {}),
  ...(spec.evaluate.garak ? { garak: spec.evaluate.garak } : {}),
  seed: spec.seed,
});

export const prepareSpec = (spec: LifecycleSpec, inputs: LifecycleInputs): StageSpec => ({
  stage: 'prepare',
  data: dataOf(spec, inputs),
  baseModel: inputs.baseModel.uri,
  prompt: inputs.prompt,
  heldOutExamples: spec.data.heldOutExamples,
  ...(spec.data.trainExamples === undefined ? {} : { trainExamples: spec.data.trainExamples }),
  maxTokens: spec.tune.maxTokens,
  ...keepColumns(spec),
  seed: spec.seed,
});

export function tuneSpec(spec: LifecycleSpec, inputs: LifecycleInputs, dataset: Artifact): StageSpec {
  const { maximumSeconds: _deadline, nodes, ...settings } = spec.tune;
  // One node is not worth a word, which would change the digest of what was computed before there were several.
  return { stage: 'tune', dataset, baseModel: inputs.baseModel.uri, ...settings, ...(nodes > 1 ? { nodes } : {}), ...(inputs.gpusPerNode ? { gpusPerNode: inputs.gpusPerNode } : {}), seed: spec.seed };
}

export function evaluateSpec(spec: LifecycleSpec, inputs: LifecycleInputs, dataset: Artifact, models: Readonly<Partial<Record<Role, Artifact>>>): StageSpec {
  // The currency is for readers: a Job that knew it would be another Job.
  const { attacks, harness, currency: _currency, ...settings } = spec.evaluate;
  return {
    stage: 'evaluate',
    dataset,
    models: (['base', 'candidate', 'champion'] as const).flatMap((role) => {
      const model = models[role];
      return model === undefined ? [] : [{ role, ...model }];
    }),
    ...settings,
    ...(attacks ? { attacks: { template: inputs.prompt.template, input: spec.data.input } } : {}),
    ...(harness ? { harness: { ...harnessTasks(harness, inputs), ...(harness.limit === undefined ? {} : { limit: harness.limit }) } } : {}),
    seed: spec.seed,
  };
}

/** Of what every stage's spec names only by reference. */
export const inputDigestsOf = ({ codeDigest, data, baseModel }: Pick<LifecycleInputs, 'codeDigest' | 'data' | 'baseModel'>): readonly string[] => [codeDigest, data.digest, baseModel.digest];

const harnessTasks = ({ tasks }: NonNullable<LifecycleSpec['evaluate']['harness']>, inputs: LifecycleInputs) => ({
  tasks,
  ...(inputs.harnessTasks ? { includePath: inputs.harnessTasks } : {}),
});

/** What evaluate will need of a row beside its prompt. */
function keepColumns({ data, evaluate }: LifecycleSpec): { keepColumns?: string[] } {
  const columns = new Set([...(evaluate.slices ?? []), ...(evaluate.attacks ? data.input : [])]);
  return columns.size === 0 ? {} : { keepColumns: [...columns] };
}

/** A lifecycle from before there was a choice has none in its history. */
export const logsToWandb = ({ tracking }: Partial<LifecycleSpec>): boolean => tracking?.includes('wandb') ?? false;

const dataOf = (spec: LifecycleSpec, inputs: LifecycleInputs) => ({
  uri: inputs.data.uri,
  input: spec.data.input,
  target: spec.data.target,
  ...(spec.data.group === undefined ? {} : { group: spec.data.group }),
});
