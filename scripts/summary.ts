import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { withCurrency } from '../domain/cost.ts';
import type { LifecycleStatus } from '../domain/lifecycle.ts';
import { readStackState } from '../local/stack-state.ts';
import { taskQueue, type Config } from '../workers/config.ts';
import type { Ending } from './run-lifecycle.ts';

export interface Summary {
  readonly workflowId: string;
  readonly verdict: 'promoted' | 'unchanged' | 'rejected' | 'failed';
  readonly reason?: string;
  readonly model?: string;
  readonly version?: string;
  readonly gate: readonly { readonly rule: string; readonly passed: boolean; readonly finding: string; readonly metric?: string }[];
  /** Of the costs, where the spec tells it. */
  readonly currency?: string;
  readonly stages: LifecycleStatus['finished'];
  readonly seconds: number;
  readonly addresses: { readonly lifecycle: string; readonly startAnother: string; readonly mlflow: string; readonly endpoint: string; readonly console: string };
  readonly curl?: string;
}

export interface SummaryInput {
  readonly ending: Ending;
  readonly workflowId: string;
  readonly spec: Readonly<Record<string, unknown>>;
  readonly seconds: number;
  readonly config: Config;
}

export async function summarize({ ending, workflowId, spec, seconds, config }: SummaryInput): Promise<Summary> {
  const addresses = addressesOf(config, workflowId);
  if (ending.kind === 'failed') return { workflowId, verdict: 'failed', reason: ending.message, gate: [], stages: [], seconds, addresses };
  const { result, status } = ending;
  if (result.verdict === 'unchanged') return { workflowId, verdict: 'unchanged', model: result.model, version: result.version, gate: [], stages: [], seconds, addresses };
  const { currency } = spec['evaluate'] as { currency?: string };
  const common = { workflowId, model: result.model, gate: result.gate.findings, ...(currency === undefined ? {} : { currency }), stages: status.finished, seconds, addresses };
  if (result.verdict === 'rejected') return { ...common, verdict: 'rejected', reason: `${result.by}: ${result.reason}` };
  return { ...common, verdict: 'promoted', version: result.version, curl: await curlFor(result.endpoint, result.endpointUrl, spec, config) };
}

export function showSummary(summary: Summary): string {
  const { verdict, model, version, gate, currency, stages, seconds, addresses } = summary;
  const headline = { promoted: `promoted: ${model} version ${version}`, unchanged: `unchanged: it would only have come to ${model} version ${version}, which serves`, rejected: 'rejected: nothing was promoted', failed: 'failed' }[verdict];
  return [
    '',
    `${headline}, after ${Math.round(seconds)} s`,
    ...(summary.reason === undefined ? [] : [summary.reason]),
    ...(gate.length === 0 ? [] : ['', 'gate', ...gate.map((f) => `  ${f.passed ? 'pass' : 'FAIL'}  ${withCurrency(f.rule, f.metric, currency)}\n        ${f.finding}`)]),
    ...(stages.length === 0 ? [] : ['', `stages  ${stages.map((s) => `${s.stage}${s.reused ? ' (reused)' : ''}`).join(', ')}`]),
    ...stages.flatMap((s) => (s.waitedFor === undefined ? [] : [`        ${s.stage} ${s.waitedFor}`])),
    '',
    `Temporal  ${addresses.lifecycle}`,
    `MLflow    ${addresses.mlflow}`,
    `endpoint  ${addresses.endpoint}`,
    `console   ${addresses.console}`,
    ...(summary.curl === undefined ? [] : ['', summary.curl]),
    '',
  ].join('\n');
}

function addressesOf({ folders, temporal, mlflow, endpointUrl, consoleUrl }: Config, workflowId: string): Summary['addresses'] {
  const ui = temporal.embedded ? (readStackState(folders.state)?.addresses.temporalUi ?? '') : '';
  const namespace = `${ui}/namespaces/${temporal.namespace}`;
  return {
    lifecycle: `${namespace}/workflows/${workflowId}`,
    startAnother: `${namespace}/workflows/start-workflow?taskQueue=${taskQueue}&workflowType=lifecycle`,
    mlflow: mlflow.trackingUri,
    endpoint: endpointUrl,
    console: `${consoleUrl}/lifecycles/${encodeURIComponent(workflowId)}`,
  };
}

/** A line that works when pasted: the first row of the data, where it is easily had, asked as the model was taught. */
async function curlFor(endpoint: string, url: string, spec: Readonly<Record<string, unknown>>, { folders }: Config): Promise<string> {
  const { data, prompt } = spec as { data: { path: string }; prompt: { path: string } };
  const template = await readFile(resolve(folders.repository, prompt.path), 'utf8');
  const lines = data.path.endsWith('.jsonl') ? await readFile(resolve(folders.repository, data.path), 'utf8') : '{}';
  const row = JSON.parse(lines.split('\n', 1)[0] ?? '{}') as Record<string, unknown>;
  const content = template.trimEnd().replace(/\{\{\s*([^{}]*?)\s*\}\}/g, (placeholder, column: string) => {
    const value = row[column];
    return typeof value === 'string' ? value : placeholder;
  });
  const body = JSON.stringify({ model: endpoint, max_tokens: 32, temperature: 0, messages: [{ role: 'user', content }] });
  return `curl -s ${url}/v1/chat/completions -H 'content-type: application/json' -d '${body.replaceAll("'", `'\\''`)}'`;
}
