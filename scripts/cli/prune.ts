import type { Client } from '@temporalio/client';
import type { ArtifactStore } from '../../domain/artifact-store.ts';
import type { JobOutcome } from '../../domain/job/job.ts';
import { planRetention, type JobRun, type RetentionPlan } from '../../domain/job/retention.ts';
import { tags } from '../../domain/lineage/tracking.ts';
import type { Mlflow, Run } from '../../mlflow/index.ts';
import { modelAttribute } from '../../workflows/search-attributes.ts';
import { UserError } from './user-error.ts';

export interface Prune {
  readonly model: string;
  readonly keepDays: number;
  /** Otherwise it only says what it would do. */
  readonly apply: boolean;
  readonly nowMs: number;
}

export interface PruneParts {
  readonly mlflow: Mlflow;
  readonly artifacts: ArtifactStore;
  /** Workflow IDs of the model's lifecycles that have not ended. */
  readonly openLifecycles: (model: string) => Promise<readonly string[]>;
}

export interface Pruned extends RetentionPlan {
  readonly bytes: number;
}

/**
 * Removes what a model's Jobs wrote and nobody needs any more; their runs in MLflow stay. Each is marked first, so that a
 * lifecycle that begins meanwhile does not reuse it, and all are let be where one did begin.
 */
export async function prune(
  { model, keepDays, apply, nowMs }: Prune,
  { mlflow, artifacts, openLifecycles }: PruneParts,
): Promise<Pruned> {
  const experimentId = await mlflow.experiments.find(model);
  if (experimentId === undefined)
    throw new UserError(`There is no model ${model} in MLflow.\nhint: the name is "model" of the spec.`);
  const runs: JobRun[] = [];
  for await (const run of mlflow.runs.withTag(experimentId, tags.job))
    if (!run.tags[tags.removed]) runs.push(jobRunOf(run));
  const plan = planRetention(runs, {
    keepDays,
    nowMs,
    openLifecycles: await openLifecycles(model),
    named: await namedBy(mlflow, model),
  });
  if (!apply) return { ...plan, bytes: 0 };

  const mark = async (value: string) => {
    for (const { runId } of plan.remove) await mlflow.runs.setTags(runId, { [tags.removed]: value });
  };
  await mark(new Date(nowMs).toISOString());
  const [begun] = await openLifecycles(model);
  if (begun !== undefined) {
    await mark('');
    throw new UserError(
      `Lifecycle ${begun} of ${model} began meanwhile, so nothing was removed.\nhint: try again when it has ended.`,
    );
  }
  let bytes = 0;
  for (const { job } of plan.remove)
    for (const uri of [artifacts.uriOf('jobs', job), artifacts.uriOf('checkpoints', job.replace(/-\d+$/, '-0'))])
      bytes += await artifacts.remove(uri);
  return { ...plan, bytes };
}

const jobRunOf = ({ runId, endedAtMs, tags: given }: Run): JobRun => ({
  runId,
  job: given[tags.job] ?? '',
  endedAtMs,
  ...(given[tags.outcome] ? { outcome: JSON.parse(given[tags.outcome] ?? '') as JobOutcome } : {}),
});

/** Digests of all that a version with an alias stands on. */
async function namedBy(mlflow: Mlflow, model: string): Promise<ReadonlyMap<string, string>> {
  const named = new Map<string, string>();
  for (const [alias, version] of Object.entries(await mlflow.registry.aliases(model))) {
    const { tags: given } = await mlflow.registry.getVersion(model, version);
    for (const digest of [given[tags.weightsDigest], given[tags.datasetDigest], given[tags.evidenceDigest]])
      if (digest) named.set(digest, `alias ${alias} of version ${version}`);
  }
  return named;
}

/** Lifecycles that have not ended; one that has not said its model yet may be of this. */
export async function openLifecyclesOf(client: Client, model: string): Promise<string[]> {
  const open: string[] = [];
  const query = `WorkflowType = 'lifecycle' AND ExecutionStatus = 'Running'`;
  for await (const { workflowId, typedSearchAttributes } of client.workflow.list({ query })) {
    const said = typedSearchAttributes.get(modelAttribute);
    if (said === undefined || said === model) open.push(workflowId);
  }
  return open;
}

export function showPruned({ remove, keep, bytes }: Pruned, apply: boolean): string {
  const reasons = [...Map.groupBy(keep, ({ because }) => because)]
    .map(([because, { length }]) => `  kept: ${length}, because ${because}\n`)
    .join('');
  const removed = remove.map(({ job }) => `  ${apply ? 'removed' : 'would remove'}: ${job}\n`).join('');
  const gigabytes = (bytes / 1e9).toFixed(2);
  return `${removed}${reasons}${remove.length} of ${remove.length + keep.length} Jobs${apply ? `, ${gigabytes} GB` : '; "--apply" removes what they wrote'}\n`;
}
