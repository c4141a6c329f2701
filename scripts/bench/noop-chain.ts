import { runStage } from '../../workflows/run-stage.ts';

/** Five stages that do nothing, each a Job in a process of its own that hands a small JSON to the next. */
export async function noopChain(): Promise<unknown> {
  let value: unknown = { passed: 0 };
  for (let step = 1; step <= 5; step++) ({ value } = await runStage({ spec: { stage: 'noop', input: value }, name: `noop-${step}`, maximumSeconds: 60 }));
  return value;
}
