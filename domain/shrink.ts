import { failurePolicies, type Failure } from './failure.ts';
import type { StageSpec } from './job-request.ts';

/** After an out-of-memory: half the micro-batch and double the accumulation, so the same effective batch. */
export function shrinkAfter(failure: Failure, spec: StageSpec): StageSpec {
  if (failurePolicies[failure.class].action !== 'retrySmaller') return spec;
  if (spec.stage !== 'tune' || spec.batchSize % 2 !== 0) return spec;
  return { ...spec, batchSize: spec.batchSize / 2, gradientAccumulation: spec.gradientAccumulation * 2 };
}
