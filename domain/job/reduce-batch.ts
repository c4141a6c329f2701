import { failurePolicies, type Failure } from './failure.ts';
import type { AnyStageSpec, StageSpec } from './job-request.ts';

/**
 * The spec for a retry. After an out-of-memory failure it has a smaller micro-batch and more gradient accumulation, so
 * that the effective batch stays the same. Undefined if the micro-batch can't be reduced further.
 */
export function reduceBatchAfter(failure: Failure, spec: AnyStageSpec): AnyStageSpec | undefined {
  if (failurePolicies[failure.class].action !== 'retrySmaller') return spec;
  if (!isTune(spec)) return undefined;
  const micro = microBatch(spec);
  if (micro === 1) return undefined;
  const smaller = micro / smallestFactor(micro);
  return { ...spec, batchSize: smaller, gradientAccumulation: (spec.batchSize * spec.gradientAccumulation) / smaller };
}

type TuneSpec = Extract<StageSpec, { stage: 'tune' }>;
const isTune = (spec: AnyStageSpec): spec is TuneSpec => spec.stage === 'tune';

/**
 * The micro-batch of one process. If several processes share a batch, it is smaller than in the spec. Must equal
 * `share_of` in `jobs/tuneline_jobs/training/distributed.py`.
 */
function microBatch({ batchSize, gradientAccumulation, nodes = 1, gpusPerNode = 1 }: TuneSpec): number {
  const share = (batchSize * gradientAccumulation) / (nodes * gpusPerNode);
  let micro = Math.min(batchSize, share);
  while (micro > 1 && share % micro !== 0) micro--;
  return micro;
}

function smallestFactor(n: number): number {
  for (let factor = 2; factor * factor <= n; factor++) if (n % factor === 0) return factor;
  return n;
}
