import { readFile } from 'node:fs/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { findAuditProblems, sealAudit, type Audit } from '../../domain/lineage/audit.ts';
import { digestOfText } from '../../domain/digest.ts';
import type { LifecycleInputs } from '../../domain/lifecycle/lifecycle.ts';
import { tags } from '../../domain/lineage/tracking.ts';
import { isMlflowError } from '../../mlflow/errors.ts';
import type { Mlflow } from '../../mlflow/index.ts';
import { readHistory } from './history-events.ts';
import { UserError } from './user-error.ts';

const kept = ['spec.json', 'verdict.json', 'review.json', 'release.json', 'model-card.md'] as const;

/** Who did what and when on which evidence, of a lifecycle that is over or goes on. */
export async function exportAudit(
  handle: Pick<WorkflowHandle, 'workflowId' | 'fetchHistory'>,
  mlflow: Mlflow,
): Promise<Audit> {
  const { events, done } = readHistory(await handle.fetchHistory());
  const resultOf = (name: string): unknown => done.find((activity) => activity.name === name)?.result;
  const inputs = resultOf('openLifecycle') as LifecycleInputs | undefined;
  if (inputs === undefined)
    throw new UserError(
      `${handle.workflowId} ended before it had a run in MLflow: there is nothing to audit but its failure in Temporal.`,
    );
  const { runId, prompt } = inputs;
  const run = await mlflow.runs.get(runId);
  const spec = await read(mlflow, runId, 'spec.json');
  const model = spec === undefined ? undefined : (JSON.parse(spec) as { model: string }).model;
  const number = resultOf('registerVersion') as string | undefined;
  const version =
    model === undefined || number === undefined ? undefined : await mlflow.registry.getVersion(model, number);
  const evidenceDigest = events.findLast(({ digests }) => digests?.['evidence'])?.digests?.['evidence'];
  const documents = [
    ...(await Promise.all(kept.map(async (name) => [name, await read(mlflow, runId, name)] as const))),
    ['prompt.txt', await mlflow.prompts.get(prompt.name, prompt.version).then(({ text }) => text, absent)] as const,
    [
      'evidence.json',
      evidenceDigest === undefined ? undefined : await findEvidence(mlflow, run.experimentId, evidenceDigest),
    ] as const,
  ];
  return sealAudit({
    schema: 1,
    workflowId: handle.workflowId,
    runId,
    exportedAt: new Date().toISOString(),
    // As they will be read back: without what JSON has no word for.
    events: JSON.parse(JSON.stringify(events)) as Audit['events'],
    documents: Object.fromEntries(
      documents.flatMap(([name, text]) => (text === undefined ? [] : [[name, { digest: digestOfText(text), text }]])),
    ),
    runTags: run.tags,
    ...(version ? { version: { name: version.name, version: version.version, tags: version.tags } } : {}),
  });
}

/** What does not hold together in a file that was exported once; asks no server. */
export async function verifyAudit(
  path: string,
): Promise<{ readonly digest: unknown; readonly problems: readonly string[] }> {
  const text = await readFile(path, 'utf8').catch(() => {
    throw new UserError(`There is no file ${path}.`);
  });
  try {
    const audit: unknown = JSON.parse(text);
    return { digest: (audit as { digest?: unknown } | null)?.digest, problems: findAuditProblems(audit) };
  } catch (error) {
    // Whatever a hand has made of it: what can't be read proves nothing.
    return { digest: undefined, problems: [`${path} can't be read as an audit export: ${(error as Error).message}`] };
  }
}

/** A stage that was reused left its evidence with the run of an earlier lifecycle. */
async function findEvidence(mlflow: Mlflow, experimentId: string, digest: string): Promise<string | undefined> {
  for (const { runId } of await mlflow.runs.findByTag(experimentId, { [tags.stage]: 'evaluate' })) {
    const text = await read(mlflow, runId, 'evidence.json');
    if (text !== undefined && digestOfText(text) === digest) return text;
  }
  return undefined;
}

const read = (mlflow: Mlflow, runId: string, name: string): Promise<string | undefined> =>
  mlflow.artifacts.get(runId, name).then((bytes) => new TextDecoder().decode(bytes), absent);

function absent(error: unknown): undefined {
  if (isMlflowError(error, 'notFound')) return undefined;
  throw error;
}
