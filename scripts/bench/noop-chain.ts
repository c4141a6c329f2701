import { runStage } from '../../workflows/run-stage.ts';
import { noopSteps } from './noop-stage.ts';

/** Five stages that do nothing, each a Job in a process of its own that hands a figure to the next. */
export async function noopChain(): Promise<number> {
  const tracking = { experiment: 'bench', parentRunId: 'none', inputDigests: [], reuse: false };
  let passed = 0;
  for (const stage of noopSteps) {
    const { figures } = await runStage({ spec: { stage, passed }, maximumSeconds: 60, tracking });
    passed = figures['passed'] ?? NaN;
  }
  return passed;
}
