import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { digestOfText } from '../../../domain/digest.ts';
import type { Lineage } from '../../../domain/lineage/lineage.ts';
import { createMlflow, type Mlflow, type ModelVersion } from '../../../mlflow/index.ts';
import { lineage as lineageFrom, type LineageOptions } from '../../../scripts/cli/lineage.ts';
import { UserError } from '../../../scripts/cli/user-error.ts';
import type { History } from '../../../workers/execution-history.ts';
import { type MlflowServer, openMlflow } from '../../support/mlflow-server.ts';
import { recordLifecycle } from '../../support/recorded-lifecycle.ts';
import { startTimeSkipping } from '../../support/temporal.ts';
import { LifecycleLab, resultOf } from '../../workflows/lifecycle-lab.ts';

let server: MlflowServer;
let mlflow: Mlflow;
let root: string;
let workflowId: string;
let version: ModelVersion;
let history: History;
beforeAll(async () => {
  const lab = await LifecycleLab.open(startTimeSkipping());
  server = await openMlflow();
  mlflow = createMlflow({ trackingUri: server.trackingUri });
  root = await mkdtemp(join(tmpdir(), 'tuneline-lineage-'));
  workflowId = await recordLifecycle({
    lab,
    mlflow,
    root,
    during: async (handle) => {
      await resultOf(handle);
      history = await handle.fetchHistory();
    },
  });
  await lab.close();
  version = await mlflow.registry.getVersion('summaries', '1');
});
afterAll(async () => {
  await server.stop();
  await rm(root, { recursive: true });
});

/** Histories by the ID of their lifecycle: the one that ran, and those that were recorded. */
const historyOf = async (id: string): Promise<History> =>
  id === workflowId
    ? history
    : historyFromJSON(
        JSON.parse(await readFile(new URL(`../../replay/histories/${id}.json`, import.meta.url), 'utf8')),
      );

const lineage = (reference: string | undefined, options: LineageOptions): Promise<string> =>
  lineageFrom({ mlflow, historyOf }, reference, options);

const tag = (name: string): string => version.tags[`tuneline.${name}`] ?? `no ${name}`;

test('a version is followed from its data to its endpoint, with each digest', async () => {
  expect(await lineage('summaries/champion', {})).toBe(
    [
      `data        data.jsonl  ${tag('data_digest')}`,
      'prompt      summarize/1',
      `base model  org/base  ${digestOfText('org/base')}`,
      `code        abc123  ${tag('code_digest')}`,
      `dataset     ${tag('dataset_digest')}  <- data, prompt`,
      `run         ${version.runId}  <- base model, code, dataset`,
      `weights     ${tag('weights_uri')}  ${tag('weights_digest')}  <- run`,
      `evidence    gate passed  ${tag('evidence_digest')}  <- base model, dataset, weights`,
      'review      approved by gate  <- evidence',
      'version     summaries/1 (champion)  <- review',
      'endpoint    summaries  <- version',
    ].join('\n'),
  );
});

test('by its history a lifecycle tells the same of its version as the tags do', async () => {
  const byTags = (await lineage('summaries/1', {})).replace(' (champion)', '');
  expect(await lineage(undefined, { lifecycle: workflowId })).toBe(byTags);
  expect(await lineage(undefined, { lifecycle: workflowId, json: true })).toBe(
    (await lineage('summaries/1', { json: true })).replace(' (champion)', ''),
  );
});

const known = ['data', 'prompt', 'base model', 'code', 'dataset', 'run', 'weights'];
test.each<[string, readonly string[], string, string]>([
  ['refused', [...known, 'evidence'], 'evidence', 'gate failed'],
  ['expired', [...known, 'evidence', 'review'], 'review', 'expired'],
  ['stale', [...known, 'evidence', 'review'], 'review', 'approved by Ada, stale since'],
  ['approved-by-two', [...known, 'evidence', 'review', 'version', 'endpoint'], 'review', 'approved by Ada, Joan'],
  ['cancelled', ['data', 'prompt', 'base model', 'code', 'dataset', 'run'], 'dataset', 'dataset'],
])('of a lifecycle that was %s it goes as far as that came', async (id, kinds, kind, name) => {
  const { nodes } = JSON.parse(await lineage(undefined, { lifecycle: id, json: true })) as Lineage;
  expect(nodes.map((node) => node.kind)).toEqual(kinds);
  expect(nodes.find((node) => node.kind === kind)?.name).toBe(name);
});

test('as JSON it is a graph whose edges join nodes that are there', async () => {
  const { nodes, edges } = JSON.parse(await lineage('summaries/1', { json: true })) as Lineage;
  const kinds = nodes.map(({ kind }) => kind);
  expect(new Set(kinds).size).toBe(11);
  expect(edges.filter(({ from, to }) => !kinds.includes(from) || !kinds.includes(to))).toEqual([]);
});

test.each<[string, () => LineageOptions]>([
  ['source data', () => ({ data: tag('data_digest') })],
  ['a prepared data set', () => ({ data: tag('dataset_digest') })],
  ['a prompt version', () => ({ prompt: 'summarize/1' })],
])('%s is followed to the versions that it reached', async (_what, options) => {
  expect(await lineage(undefined, options())).toBe(`summaries/1  by ${workflowId}`);
  expect(JSON.parse(await lineage(undefined, { ...options(), json: true }))).toEqual([
    { name: 'summaries', version: '1', runId: version.runId },
  ]);
});

test('what reached nothing says so', async () => {
  expect(await lineage(undefined, { data: 'sha256:unheard-of' })).toBe('It reached no model version.');
});

test('OpenLineage events tell when it began and ended, and what went in and came out', async () => {
  const [start, complete, ...more] = JSON.parse(await lineage('summaries/1', { openlineage: true })) as Record<
    string,
    unknown
  >[];
  expect(more).toEqual([]);
  const uuid = expect.stringMatching(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/) as unknown;
  const common = {
    job: { namespace: 'tuneline', name: 'lifecycle.summaries' },
    run: { runId: uuid },
    eventTime: expect.stringMatching(/^\d{4}-.*Z$/) as unknown,
  };
  const of = (namespace: string, name: string, digest: string) => ({
    namespace,
    name,
    facets: { version: { datasetVersion: digest } },
  });
  const inputs = [
    of('tuneline:data', 'data.jsonl', tag('data_digest')),
    of('tuneline:prompt', 'summarize', '1'),
    of('tuneline:base-model', 'org/base', digestOfText('org/base')),
    of('tuneline:code', 'abc123', tag('code_digest')),
  ];
  expect(start).toMatchObject({ ...common, eventType: 'START', inputs, outputs: [] });
  expect(complete).toMatchObject({
    ...common,
    eventType: 'COMPLETE',
    inputs,
    outputs: [
      of('tuneline:dataset', 'data.jsonl', tag('dataset_digest')),
      of('tuneline:weights', tag('weights_uri'), tag('weights_digest')),
      of('tuneline:evidence', 'summaries', tag('evidence_digest')),
      of('tuneline:model', 'summaries', '1'),
    ],
  });
});

test.each<[string | undefined, LineageOptions, RegExp]>([
  [undefined, {}, /^Say one of MODEL\/VERSION/],
  ['summaries/1', { data: 'sha256:x' }, /^Say one of MODEL\/VERSION/],
  ['summaries/1', { lifecycle: 'weekly' }, /^Say one of MODEL\/VERSION/],
  [undefined, { lifecycle: 'promoted', openlineage: true }, /^--openlineage wants a MODEL\/VERSION\.$/],
  ['summaries', {}, /^summaries is not MODEL\/VERSION, such as/],
  ['summaries/99', {}, /^MLflow has no model version summaries\/99\.$/],
  ['summaries/loser', {}, /^summaries has no alias loser\.\nhint:/],
])('%s with %j is refused in a sentence', async (reference, options, words) => {
  const refusal: unknown = await lineage(reference, options).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(UserError);
  expect((refusal as UserError).message).toMatch(words);
});

test('the model card lies with the run', async () => {
  const card = new TextDecoder().decode(await mlflow.artifacts.get(version.runId, 'model-card.md'));
  expect(card).toMatch(/^# summaries version 1\n/);
  for (const digest of ['weights_digest', 'evidence_digest', 'dataset_digest']) expect(card).toContain(tag(digest));
  expect(card).toContain('| bleu at least 5 | yes |');
});
