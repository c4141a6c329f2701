import type { JobOutcome } from '../../domain/job/job.ts';
import { jobStageNames, type JobStage } from '../../domain/job/stages.ts';
import type { LifecycleSpec } from '../../domain/spec/lifecycle-spec.ts';
import { tags } from '../../domain/lineage/tracking.ts';
import type { Mlflow } from '../../mlflow/index.ts';

export interface Estimate {
  readonly seconds: number;
  readonly gpuSeconds: number;
}

/** What each stage took when it last ran for this model; a tune by its number of steps. A stage that never ran is left out. */
export async function estimateStages(
  spec: LifecycleSpec,
  mlflow: Pick<Mlflow, 'experiments' | 'runs'>,
): Promise<Readonly<Partial<Record<JobStage, Estimate>>>> {
  const experiment = await mlflow.experiments.find(spec.model);
  if (experiment === undefined) return {};
  const last = async (stage: JobStage): Promise<readonly [JobStage, Estimate][]> => {
    const [run] = await mlflow.runs.findByTag(experiment, { [tags.stage]: stage }, 'FINISHED');
    if (run?.endedAtMs === undefined) return [];
    const steps = Number(run.params['steps']);
    const times = stage === 'tune' && steps > 0 ? spec.tune.steps / steps : 1;
    return [
      [
        stage,
        {
          seconds: (times * (run.endedAtMs - run.startedAtMs)) / 1000,
          gpuSeconds: times * gpuSecondsIn(run.tags[tags.outcome]),
        },
      ],
    ];
  };
  return Object.fromEntries((await Promise.all(jobStageNames.map(last))).flat());
}

function gpuSecondsIn(recorded: string | undefined): number {
  const outcome = recorded === undefined ? undefined : (JSON.parse(recorded) as JobOutcome);
  return outcome?.kind === 'succeeded' ? (outcome.figures['gpuSeconds'] ?? 0) : 0;
}
