import type { MonitorRule } from '../../domain/spec/monitor-spec.ts';
import { type Release, releaseId } from '../../domain/endpoint/release.ts';
import { tags } from '../../domain/lineage/tracking.ts';
import type { Mlflow } from '../../mlflow/index.ts';

/** A window of live traffic, as the monitoring run of its release has it. */
export interface SeenWindow {
  /** From 0. */
  readonly index: number;
  readonly requests: number;
  readonly promptEmbeddingDrift?: number;
  readonly promptLengthDrift?: number;
  readonly breached: boolean;
}

export type InputDrift = Extract<MonitorRule, { rule: 'inputDrift' }>;

/** The oldest first; none where the release is not watched yet. */
export async function windowsOf(mlflow: Mlflow, release: Release): Promise<readonly SeenWindow[]> {
  const experiment = await mlflow.experiments.find(release.model);
  const [run] =
    experiment === undefined
      ? []
      : await mlflow.runs.findByTag(experiment, { [tags.monitoring]: `${release.endpoint}/${releaseId(release)}` });
  if (!run) return [];
  const valueOf = async (key: string) =>
    new Map((await mlflow.runs.metricHistory(run.runId, key)).map(({ step, value }) => [step, value]));
  // In this order: a window's figures are logged at once, and what is there of the last is there of the first.
  const breached = await valueOf('breached/inputDrift');
  const [requests, embeddings, lengths] = await Promise.all(
    ['requests', 'promptEmbeddingDrift', 'promptLengthDrift'].map(valueOf),
  );
  return [...breached].map(([index, breach]) => {
    const [byEmbedding, byLength] = [embeddings?.get(index), lengths?.get(index)];
    return {
      index,
      requests: requests?.get(index) ?? 0,
      promptEmbeddingDrift: byEmbedding,
      promptLengthDrift: byLength,
      breached: breach === 1,
    };
  });
}

export function describeWindow(
  { index, requests, promptEmbeddingDrift, promptLengthDrift }: SeenWindow,
  { embeddings, lengths }: InputDrift,
): string {
  const parts = [
    ['embedding', promptEmbeddingDrift, embeddings],
    ['length', promptLengthDrift, lengths],
  ] as const;
  const far = parts.some(([, drift, limit]) => drift !== undefined && drift > limit);
  const shown = parts.map(
    ([name, drift, limit]) =>
      `${name} ${drift === undefined ? 'unknown' : Number(drift.toPrecision(2))} (limit ${limit})`,
  );
  return `window ${index + 1}: ${requests} requests; drift of the prompts: ${shown.join(', ')}: ${far ? 'over' : 'within limits'}`;
}
