import { failurePolicies, type Failure } from './failure.ts';
import type { StageSpec } from './job-request.ts';

/**
 * The spec to retry with. After an out-of-memory it has a smaller micro-batch and more gradient accumulation, so that the
 * effective batch stays the same. Undefined if the micro-batch can't be reduced further.
 */
export function reduceBatchAfter(failure: Failure, spec: StageSpec): StageSpec | undefined {
  if (failurePolicies[failure.class].action !== 'retrySmaller') return spec;
  const micro = spec.stage === 'tune' ? microBatch(spec) : 1;
  if (spec.stage !== 'tune' || micro === 1) return undefined;
  const smaller = micro / smallestFactor(micro);
  return { ...spec, batchSize: smaller, gradientAccumulation: (spec.batchSize * spec.gradientAccumulation) / smaller };
}

/**
 * The rows that one process takes at once. Several processes share a batch; `share_of` in `jobs/tuneline_jobs/gang.py`
 * does the same.
 */
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
