import { join } from 'node:path';
import { tags } from '../../domain/lineage/tracking.ts';
import type { JobFolders } from '../../local/job-folder.ts';
import type { ProcessIdentity } from '../../local/process-identity.ts';
import type { Mlflow, Run } from '../../mlflow/index.ts';
import { repository } from './stack.ts';
import { until } from './until.ts';

const model = 'tiny';

/** A whole lifecycle on real parts, small enough to be broken many times; the seed makes each one's work its own. */
export const tinySpec = (baseModel: string, seed: number, steps: number) => ({
  model,
  baseModel,
  seed,
  data: {
    path: join(repository, 'examples/data/package-descriptions.jsonl'),
    input: ['description'],
    target: 'synopsis',
    group: 'source_package',
    heldOutExamples: 32,
    trainExamples: 400,
  },
  prompt: { name: 'package-synopsis', path: join(repository, 'examples/prompts/package-synopsis.txt') },
  tune: { steps, batchSize: 2, maxTokens: 1024, checkpointEverySteps: 20 },
  evaluate: { examples: 8, maxNewTokens: 4, latencyRequests: 1, bootstrapSamples: 200 },
  gate: [{ rule: 'atLeast', metric: 'rougeL', value: 0 }],
  // A release is compared with the one before it for as long as a test has to wait.
  deploy: { endpoint: model, canary: { bakeSeconds: 0.5 } },
});

/** The runs of such a lifecycle's training, one for each attempt. */
export async function tuneRunsOf(mlflow: Mlflow, workflowId: string): Promise<Run[]> {
  const experiment = await mlflow.experiments.ensure(model);
  const [parent] = await mlflow.runs.findByTag(experiment, { [tags.workflowId]: workflowId });
  return mlflow.runs.findByTag(experiment, { 'mlflow.parentRunId': parent?.runId ?? '', [tags.stage]: 'tune' });
}

/** Resolves once the training is past a checkpoint, with the process that does it. */
export async function training(folders: JobFolders, name: string): Promise<ProcessIdentity> {
  await until(async () => (await folders.logTail(name, 100_000)).includes('step 50/'));
  const claimant = await folders.claimant(name);
  if (claimant === undefined || claimant === 'nobody') throw new Error(`${name} trains, so a process has claimed it`);
  return claimant;
}

/** The steps whose loss is in MLflow, over all of these runs, each once and in order. */
export async function stepsLogged(mlflow: Mlflow, runs: readonly Run[]): Promise<number[]> {
  const histories = await Promise.all(runs.map((run) => mlflow.runs.metricHistory(run.runId, 'loss')));
  return [...new Set(histories.flat().map((point) => point.step ?? -1))].sort((a, b) => a - b);
}
