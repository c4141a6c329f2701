import type { Dependencies } from '../../activities/dependencies.ts';
import { findReusable, type JobSuccess } from '../../activities/reuse.ts';
import type { StageSpec } from '../../domain/job/job-request.ts';
import { jobStageNames, type JobStage } from '../../domain/job/stages.ts';
import type { LifecycleSpec } from '../../domain/spec/lifecycle-spec.ts';
import type { LifecycleInputs } from '../../domain/lifecycle/lifecycle.ts';
import { stageDigestOf } from '../../domain/digest.ts';
import { evaluateSpec, exploreSpec, inputDigestsOf, prepareSpec, tuneSpec } from '../../workflows/stages.ts';

export interface PlannedStage {
  readonly stage: JobStage;
  readonly reused: boolean;
  /** Why it has to run. */
  readonly why?: string;
}

/** Which stages a lifecycle would take over and which it would run: by the digests that the lifecycle itself goes by. Reads alone. */
export async function planStages(
  spec: LifecycleSpec,
  inputs: LifecycleInputs,
  parts: Pick<Dependencies, 'tracking' | 'artifacts'>,
): Promise<readonly PlannedStage[]> {
  const find = async (stage: StageSpec): Promise<JobSuccess | undefined> =>
    spec.reuse === 'never' ? undefined : findReusable(spec.model, stageDigestOf(stage, inputDigestsOf(inputs)), parts);
  const fresh =
    spec.reuse === 'never' ? 'the spec says reuse: never' : 'no earlier success has the same inputs, settings and code';

  const explored = await find(exploreSpec(spec, inputs));
  const dataset = (await find(prepareSpec(spec, inputs)))?.outputs['dataset'];
  const candidate = dataset && (await find(tuneSpec(spec, inputs, dataset)))?.outputs['model'];
  const champion = await parts.tracking.findAlias(spec.model, 'champion');
  const others = champion && champion.weights.digest !== candidate?.digest ? { champion: champion.weights } : {};
  const evidence =
    dataset &&
    candidate &&
    (await find(evaluateSpec(spec, inputs, dataset, { base: inputs.baseModel, candidate, ...others })));
  const found: Readonly<Record<JobStage, { readonly success: unknown; readonly why: string }>> = {
    explore: { success: explored, why: fresh },
    prepare: { success: dataset, why: fresh },
    tune: { success: candidate, why: dataset ? fresh : 'its data set will be new' },
    evaluate: { success: evidence, why: candidate ? fresh : 'the candidate will be new' },
  };
  return jobStageNames.map((stage) =>
    found[stage].success ? { stage, reused: true } : { stage, reused: false, why: found[stage].why },
  );
}
