import { failurePolicies, type Failure } from './failure.ts';
import type { StageSpec } from './job-request.ts';

/**
 * After an out-of-memory: a smaller micro-batch and as much more accumulation, half and double where the batch is even,
 * so that the effective batch stays. Undefined where nothing is left to make smaller.
 */
export function shrinkAfter(failure: Failure, spec: StageSpec): StageSpec | undefined {
  if (failurePolicies[failure.class].action !== 'retrySmaller') return spec;
  const micro = spec.stage === 'tune' ? microBatch(spec) : 1;
  if (spec.stage !== 'tune' || micro === 1) return undefined;
  const smaller = micro / smallestFactor(micro);
  return { ...spec, batchSize: smaller, gradientAccumulation: (spec.batchSize * spec.gradientAccumulation) / smaller };
}

/** What one process takes at once, as `share_of` in `jobs/tuneline_jobs/training/distributed.py` has it: where several share a batch, less than the spec says. */
function microBatch({ batchSize, gradientAccumulation, nodes = 1, gpusPerNode = 1 }: Extract<StageSpec, { stage: 'tune' }>): number {
  const share = (batchSize * gradientAccumulation) / (nodes * gpusPerNode);
  let micro = Math.min(batchSize, share);
  while (micro > 1 && share % micro !== 0) micro--;
  return micro;
}

function smallestFactor(n: number): number {
  for (let factor = 2; factor * factor <= n; factor++) if (n % factor === 0) return factor;
  return n;
}
