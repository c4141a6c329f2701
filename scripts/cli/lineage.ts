import { defaultPayloadConverter } from '@temporalio/common';
import { factsOfLifecycle, factsOfVersion } from '../../domain/lineage/lineage-facts.ts';
import { lineageOf, showLineage, type LineageFacts, type RegisteredFacts } from '../../domain/lineage/lineage.ts';
import { openLineageOf } from '../../domain/lineage/open-lineage.ts';
import { tags } from '../../domain/lineage/tracking.ts';
import { isMlflowError } from '../../mlflow/errors.ts';
import type { Mlflow } from '../../mlflow/index.ts';
import { readPackageVersion } from '../../workers/config.ts';
import type { History } from '../../workers/execution-history.ts';
import { recordOf } from '../../workers/console/history.ts';
import { UserError } from './user-error.ts';

export interface LineageOptions {
  /** A workflow ID: what it made may have been refused, or wait for a review. */
  readonly lifecycle?: string;
  /** Of source data or of a prepared data set. */
  readonly data?: string;
  /** NAME/VERSION */
  readonly prompt?: string;
  readonly json?: boolean;
  readonly openlineage?: boolean;
}

export interface LineageSources {
  readonly mlflow: Mlflow;
  readonly historyOf: (workflowId: string) => Promise<History>;
}

/** What a model version or a lifecycle's candidate came from, or which versions some data or a prompt reached; answers what to print. */
export async function lineage(
  { mlflow, historyOf }: LineageSources,
  reference: string | undefined,
  { lifecycle, data, prompt, json, openlineage }: LineageOptions,
): Promise<string> {
  if ([reference, lifecycle, data, prompt].filter((asked) => asked !== undefined).length !== 1)
    throw new UserError('Say one of MODEL/VERSION, --lifecycle WORKFLOW_ID, --data DIGEST and --prompt NAME/VERSION.');
  if (openlineage) {
    if (reference === undefined) throw new UserError('--openlineage wants a MODEL/VERSION.');
    const version = await readVersion(mlflow, reference);
    return JSON.stringify(openLineageOf(version, await mlflow.runs.get(version.runId), readPackageVersion()), null, 2);
  }
  if (reference !== undefined) return show(factsOfVersion(await readVersion(mlflow, reference)), json);
  if (lifecycle !== undefined) return show(factsOfHistory(lifecycle, await historyOf(lifecycle)), json);
  const reached =
    data === undefined
      ? await mlflow.registry.findVersionsOfAnyModel({ [tags.promptVersion]: prompt ?? '' })
      : await reachedBy(mlflow, data);
  if (json) return JSON.stringify(reached.map(({ name, version, runId }) => ({ name, version, runId })));
  if (reached.length === 0) return 'It reached no model version.';
  return reached
    .map(
      ({ name, version, tags: { [tags.workflowId]: workflowId = 'an unknown lifecycle' } }) =>
        `${name}/${version}  by ${workflowId}`,
    )
    .join('\n');
}

function show(facts: LineageFacts, json = false): string {
  const found = lineageOf(facts);
  return json ? JSON.stringify(found) : showLineage(found);
}

function factsOfHistory(workflowId: string, history: History): LineageFacts {
  const record = recordOf(history, defaultPayloadConverter);
  if (!record.inputs)
    throw new UserError(`${workflowId} is no lifecycle, or ended before it had anything to work from.`);
  return factsOfLifecycle(record);
}

async function reachedBy({ registry }: Mlflow, digest: string): Promise<readonly RegisteredFacts[]> {
  const found = await Promise.all(
    [tags.dataDigest, tags.datasetDigest].map((key) => registry.findVersionsOfAnyModel({ [key]: digest })),
  );
  return found.flat();
}

async function readVersion({ registry }: Mlflow, reference: string): Promise<RegisteredFacts> {
  const [name, version, ...more] = reference.split('/');
  if (!name || !version || more.length > 0)
    throw new UserError(`${reference} is not MODEL/VERSION, such as summaries/3 or summaries/champion.`);
  try {
    const number = /^\d+$/.test(version) ? version : await registry.getAlias(name, version);
    if (number === undefined)
      throw new UserError(`${name} has no alias ${version}.\nhint: champion, candidate and previous are ours.`);
    return await registry.getVersion(name, number);
  } catch (error) {
    if (isMlflowError(error, 'notFound')) throw new UserError(`MLflow has no model version ${reference}.`);
    throw error;
  }
}
