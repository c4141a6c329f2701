import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { withCurrency } from '../../domain/gate/evidence.ts';
import type { FinishedStage, LifecycleStatus, RefusedBy } from '../../domain/lifecycle/lifecycle.ts';
import { temporalLinks } from '../../workers/temporal.ts';
import { tags } from '../../domain/lineage/tracking.ts';
import type { Mlflow } from '../../mlflow/index.ts';
import { taskQueue, type Config } from '../../workers/config.ts';
import type { Ending } from '../cli/run-lifecycle.ts';
import { exitCodes } from '../cli/user-error.ts';

export interface Summary {
  readonly workflowId: string;
  readonly verdict: 'promoted' | 'unchanged' | 'rejected' | 'failed' | 'awaitingReview';
  readonly reason?: string;
  readonly refusedBy?: RefusedBy;
  /** Where it failed, if a worker was there to tell. */
  readonly failedAt?: LifecycleStatus['stage'];
  /** Whether a person has to decide on what the gate lets through. */
  readonly needsReview: boolean;
  readonly model?: string;
  readonly version?: string;
  readonly gate: readonly {
    readonly rule: string;
    readonly passed: boolean;
    readonly finding: string;
    readonly metric?: string;
  }[];
  /** Of the costs, where the spec tells it. */
  readonly currency?: string;
  readonly stages: readonly SummarizedStage[];
  readonly seconds: number;
  /** Those of Temporal's UI only where it is known where that is. */
  readonly addresses: {
    readonly lifecycle?: string;
    readonly startAnother?: string;
    readonly mlflow: string;
    readonly endpoint: string;
    readonly console: string;
  };
  readonly curl?: string;
}

export interface SummarizedStage extends FinishedStage {
  /** What its Jobs took, all attempts together; not of a stage that was reused. */
  readonly seconds?: number;
}

export interface SummaryInput {
  readonly ending: Ending;
  readonly workflowId: string;
  readonly spec: Readonly<Record<string, unknown>>;
  readonly seconds: number;
  readonly config: Config;
  readonly mlflow: Mlflow;
}

export async function summarize({ ending, workflowId, spec, seconds, config, mlflow }: SummaryInput): Promise<Summary> {
  const { status } = ending;
  const { evaluate, review } = spec as { evaluate?: { currency?: string }; review?: { by?: string } };
  const took = status === undefined ? new Map<string, number>() : await secondsByStage(status, mlflow);
  const common = {
    workflowId,
    ...(status?.model === undefined ? {} : { model: status.model }),
    needsReview: review?.by === 'person',
    gate: status?.gate?.findings ?? [],
    ...(evaluate?.currency === undefined ? {} : { currency: evaluate.currency }),
    stages: (status?.finished ?? []).map((stage) => ({ ...stage, ...secondsOf(took, stage) })),
    seconds,
    addresses: addressesOf(config, workflowId),
  };
  if (ending.kind === 'failed')
    return { ...common, verdict: 'failed', reason: ending.message, ...(status ? { failedAt: status.stage } : {}) };
  if (ending.kind === 'awaitingReview')
    return {
      ...common,
      verdict: 'awaitingReview',
      reason: `awaits a review until ${ending.status.awaitingReview?.deadline ?? 'its deadline'}`,
    };
  const { result } = ending;
  if (result.verdict === 'unchanged')
    return {
      ...common,
      verdict: 'unchanged',
      model: result.model,
      version: result.version,
      ...(result.reason === undefined ? {} : { reason: result.reason }),
    };
  if (result.verdict === 'rejected')
    return { ...common, verdict: 'rejected', refusedBy: result.by, reason: `${result.by}: ${result.reason}` };
  const curl = await curlFor(result.endpoint, result.endpointUrl, spec, config);
  return { ...common, verdict: 'promoted', version: result.version, ...(curl === undefined ? {} : { curl }) };
}

export const exitCodeOf = ({ verdict }: Pick<Summary, 'verdict'>): number =>
  ({
    promoted: exitCodes.promoted,
    unchanged: exitCodes.promoted,
    rejected: exitCodes.refused,
    failed: exitCodes.broken,
    awaitingReview: exitCodes.awaitingReview,
  })[verdict];

const secondsOf = (took: ReadonlyMap<string, number>, { stage, reused }: FinishedStage): { seconds?: number } => {
  const seconds = took.get(stage);
  return reused || seconds === undefined ? {} : { seconds };
};

/** As MLflow has it; what it can't tell a summary does without. */
async function secondsByStage({ model, runId }: LifecycleStatus, mlflow: Mlflow): Promise<Map<string, number>> {
  const took = new Map<string, number>();
  if (model === undefined || runId === undefined) return took;
  const runs = await mlflow.experiments
    .find(model)
    .then((experiment) =>
      experiment === undefined ? [] : mlflow.runs.findByTag(experiment, { 'mlflow.parentRunId': runId }),
    )
    .catch(() => []);
  for (const { tags: of, startedAtMs, endedAtMs = startedAtMs } of runs) {
    const stage = of[tags.stage];
    if (stage !== undefined) took.set(stage, (took.get(stage) ?? 0) + (endedAtMs - startedAtMs) / 1000);
  }
  return took;
}

export function showSummary(summary: Summary): string {
  const { verdict, model, version, gate, currency, stages, seconds, addresses } = summary;
  const served = summary.reason === undefined ? ', which serves' : ' again';
  const headline = {
    promoted: `promoted: ${model} version ${version}`,
    unchanged: `unchanged: it would only have come to ${model} version ${version}${served}`,
    rejected: 'rejected: nothing was promoted',
    failed: 'failed',
    awaitingReview: 'awaiting a review: nothing is promoted yet',
  }[verdict];
  return [
    '',
    `${headline}, after ${Math.round(seconds)} s`,
    ...(summary.reason === undefined ? [] : [summary.reason]),
    ...(gate.length === 0
      ? []
      : [
          '',
          'gate',
          ...gate.map(
            (f) => `  ${f.passed ? 'pass' : 'FAIL'}  ${withCurrency(f.rule, f.metric, currency)}\n        ${f.finding}`,
          ),
        ]),
    ...(stages.length === 0
      ? []
      : ['', `stages  ${stages.map((s) => `${s.stage}${s.reused ? ' (reused)' : ''}`).join(', ')}`]),
    ...stages.flatMap((s) => (s.waitedFor === undefined ? [] : [`        ${s.stage} ${s.waitedFor}`])),
    '',
    ...(addresses.lifecycle === undefined ? [] : [`Temporal  ${addresses.lifecycle}`]),
    `MLflow    ${addresses.mlflow}`,
    `endpoint  ${addresses.endpoint}`,
    `console   ${addresses.console}`,
    ...(addresses.startAnother === undefined ? [] : [`another   ${addresses.startAnother}`]),
    ...(summary.curl === undefined ? [] : ['', summary.curl]),
    '',
  ].join('\n');
}

function addressesOf({ temporal, mlflow, endpointUrl, consoleUrl }: Config, workflowId: string): Summary['addresses'] {
  const links = temporal.uiUrl === undefined ? undefined : temporalLinks(temporal.uiUrl, temporal.namespace);
  return {
    ...(links ? { lifecycle: links.execution(workflowId), startAnother: links.start('lifecycle', taskQueue) } : {}),
    mlflow: mlflow.trackingUri,
    endpoint: endpointUrl,
    console: `${consoleUrl}/lifecycles/${encodeURIComponent(workflowId)}`,
  };
}

/** A line that works when pasted: the first row of the data, where it is easily had, asked as the model was taught. */
async function curlFor(
  endpoint: string,
  url: string,
  spec: Readonly<Record<string, unknown>>,
  { folders }: Config,
): Promise<string | undefined> {
  const { data, prompt } = spec as { data?: { path: string }; prompt?: { path: string } };
  if (data === undefined || prompt === undefined) return undefined;
  const template = await readFile(resolve(folders.repository, prompt.path), 'utf8');
  const lines = data.path.endsWith('.jsonl') ? await readFile(resolve(folders.repository, data.path), 'utf8') : '{}';
  const row = JSON.parse(lines.split('\n', 1)[0] ?? '{}') as Record<string, unknown>;
  const content = template.trimEnd().replace(/\{\{\s*([^{}]*?)\s*\}\}/g, (placeholder, column: string) => {
    const value = row[column];
    return typeof value === 'string' ? value : placeholder;
  });
  const body = JSON.stringify({
    model: endpoint,
    max_tokens: 32,
    temperature: 0,
    messages: [{ role: 'user', content }],
  });
  return `curl -s ${url}/v1/chat/completions -H 'content-type: application/json' -d '${body.replaceAll("'", `'\\''`)}'`;
}
