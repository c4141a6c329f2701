import { type Artifacts, createArtifacts } from './artifacts.ts';
import { type ClientOptions, createClient } from './client.ts';
import { MlflowError } from './errors.ts';
import { createExperiments, type Experiments } from './experiments.ts';
import { createPrompts, type Prompts } from './prompts.ts';
import { createRegistry, type Registry } from './registry.ts';
import { createRunLog, type RunLog } from './run-log.ts';
import { createRuns, type Runs } from './runs.ts';
import { createTraces, type Traces } from './traces.ts';
import { listServedModels, type ServedModel } from './served-models.ts';
import { createWebhooks, type Webhooks } from './webhooks.ts';

export { type ArtifactEntry, type Artifacts } from './artifacts.ts';
export { type LogEntries, type MetricPoint } from './batches.ts';
export { type ClientOptions as MlflowOptions } from './client.ts';
export { type DatasetInput } from './dataset-input.ts';
export { MlflowError, type MlflowErrorKind } from './errors.ts';
export { type Experiments } from './experiments.ts';
export { type ModelVersion } from './model-version.ts';
export { type Prompts, type PromptToRegister, type PromptVersion } from './prompts.ts';
export { type Registry, type VersionToRegister } from './registry.ts';
export { type Run, type RunStatus, type TerminalRunStatus } from './run.ts';
export { type RunLog } from './run-log.ts';
export { type NewRun, type Runs } from './runs.ts';
export { type Tag, type Tags } from './tags.ts';
export { type Traces } from './traces.ts';
export { type Webhook } from './webhooks.ts';

export interface Mlflow {
  /** Resolves with the version if the server answers and is MLflow. */
  health(): Promise<{ readonly version: string }>;
  readonly experiments: Experiments;
  readonly runs: Runs & RunLog;
  readonly artifacts: Artifacts;
  readonly registry: Registry;
  readonly prompts: Prompts;
  readonly traces: Traces;
  /** Every model that has a champion, by name. */
  readonly servedModels: () => Promise<readonly ServedModel[]>;
  readonly webhooks: Webhooks;
}

/**
 * A client of one MLflow server's REST API. Opens no connection yet. Every method makes one attempt with a timeout and
 * throws only `MlflowError`. Its `retryable` tells Temporal whether to retry.
 */
export function createMlflow(options: ClientOptions): Mlflow {
  const client = createClient(options);
  const runLog = createRunLog(client);
  const runs = createRuns(client, runLog);
  return {
    async health() {
      await client.text('/health');
      const version = (await client.text('/version')).trim();
      if (/^\d+\.\d+/.test(version) && version.length < 50) return { version };
      throw new MlflowError('server', `MLflow GET /version: no version came; hint: is the tracking URI MLflow's own?`);
    },
    experiments: createExperiments(client),
    runs: { ...runs, ...runLog },
    artifacts: createArtifacts(client, runs),
    registry: createRegistry(client, runs),
    prompts: createPrompts(client),
    traces: createTraces(client),
    servedModels: () => listServedModels(client),
    webhooks: createWebhooks(client),
  };
}
