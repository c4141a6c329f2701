import { failurePolicies, type Failure } from './failure.ts';
import type { StageSpec } from './job-request.ts';

/**
 * After an out-of-memory: a smaller micro-batch and as much more accumulation, half and double where the batch is even,
 * so that the effective batch stays. Undefined where nothing is left to make smaller.
 */
export function shrinkAfter(failure: Failure, spec: StageSpec): StageSpec | undefined {
  if (failurePolicies[failure.class].action !== 'retrySmaller') return spec;
  if (spec.stage !== 'tune' || spec.batchSize === 1) return undefined;
  const factor = smallestFactor(spec.batchSize);
  return { ...spec, batchSize: spec.batchSize / factor, gradientAccumulation: spec.gradientAccumulation * factor };
}

function smallestFactor(n: number): number {
  for (let factor = 2; factor * factor <= n; factor++) if (n % factor === 0) return factor;
  return n;
}
