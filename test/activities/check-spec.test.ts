import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createSpecActivities } from '../../activities/check-spec.ts';
import type { LifecycleSpecInput } from '../../domain/spec/lifecycle-spec.ts';
import { aSpec, specInput } from '../builders/specs.ts';
import { activityEnvironment } from '../support/temporal.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'tuneline-spec-'));
  await mkdir(join(root, 'models', 'imported'), { recursive: true });
  await mkdir(join(root, 'folder'));
  const files: Record<string, string> = {
    'data.jsonl': '{"description": "Lists files.", "synopsis": "ls"}\n{"other": "row"}\n',
    'empty.jsonl': '',
    'broken.jsonl': 'not JSON\n',
    'data.csv': 'whatever\n',
    'prompt.txt': 'Summarize: {{ description }}',
    'peeking.txt': 'Summarize {{description}} as {{synopsis}}',
    'constant.txt': 'Summarize!',
    'models/imported/config.json': '{}',
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(root, name), text);
});
afterAll(() => rm(root, { recursive: true }));

const check = (raw: unknown, gpusPerNode?: number) => {
  const { checkSpec } = createSpecActivities({
    workspace: {
      root,
      models: join(root, 'models'),
      codeDigest: '',
      codeRevision: '',
      ...(gpusPerNode === undefined ? {} : { cluster: { gpusPerNode } }),
    },
  });
  return activityEnvironment().run(checkSpec, raw);
};

const data = { path: 'data.jsonl', input: ['description'], target: 'synopsis' };
const prompt = { name: 'summarize', path: 'prompt.txt' };

/** The lines that name a wrong field. */
async function problemsOf(change: Partial<LifecycleSpecInput>): Promise<string[]> {
  const refusal: unknown = await check(specInput(change)).catch((error: unknown) => error);
  expect(refusal).toMatchObject({ type: 'BadSpec', nonRetryable: true });
  const lines = (refusal as { message: string }).message.split('\n');
  expect(lines.at(0)).toBe(
    `The spec was refused: ${lines.length - 2} ${lines.length > 3 ? 'fields are' : 'field is'} wrong. Nothing was started.`,
  );
  return lines.slice(1, -1).map((line) => line.trim());
}

test('a spec whose references are there comes back with its defaults', async () => {
  expect(await check(specInput())).toEqual(aSpec());
});

test.each([
  ['an imported model', { baseModel: 'packaged:imported' }],
  ['a model folder', { baseModel: 'models/imported' }],
  ['a folder of tasks', { evaluate: { examples: 16, harness: { tasks: ['own'], includePath: 'folder' } } }],
  ['data on the hub', { data: { ...data, path: 'hub:org/data' } }],
  ['data whose columns the prepare stage will read', { data: { ...data, path: 'data.csv' } }],
  ['a first row that the prepare stage will complain of', { data: { ...data, path: 'broken.jsonl' } }],
])('%s is taken', async (_what, change) => {
  expect(await check(specInput(change))).toEqual(aSpec(change));
});

describe('refused with one line for people:', () => {
  test.each<[string, Partial<LifecycleSpecInput>, (folder: string) => string]>([
    [
      'data that is not there',
      { data: { ...data, path: 'gone.jsonl' } },
      (folder) => `data.path: expected a file, but gone.jsonl does not exist (looked in ${folder})`,
    ],
    [
      'a folder in place of data',
      { data: { ...data, path: 'folder' } },
      () => 'data.path: expected a file, but folder is a folder',
    ],
    [
      'a column that is missing',
      { data: { ...data, target: 'summary' } },
      () => 'data.target: the data has no column "summary"; it has description, synopsis',
    ],
    [
      'a group that is missing',
      { data: { ...data, group: 'source' } },
      () => 'data.group: the data has no column "source"; it has description, synopsis',
    ],
    [
      'a slice by a column that is missing',
      { evaluate: { examples: 16, slices: ['synopsis', 'source'] } },
      () => 'evaluate.slices[1]: the data has no column "source"; it has description, synopsis',
    ],
    [
      'a column sliced twice',
      { evaluate: { examples: 16, slices: ['synopsis', 'synopsis'] } },
      () =>
        'evaluate.slices: expected each column once, and length, by which it is always sliced, not at all, got ["synopsis","synopsis"]',
    ],
    [
      'tasks that are not there',
      { evaluate: { examples: 16, harness: { tasks: ['own'], includePath: 'gone' } } },
      (folder) => `evaluate.harness.includePath: expected a folder, but gone does not exist (looked in ${folder})`,
    ],
    [
      'a file in place of tasks',
      { evaluate: { examples: 16, harness: { tasks: ['own'], includePath: 'data.csv' } } },
      () => 'evaluate.harness.includePath: expected a folder, but data.csv is a file',
    ],
    [
      'a prompt that is not there',
      { prompt: { ...prompt, path: 'gone.txt' } },
      (folder) => `prompt.path: expected a file, but gone.txt does not exist (looked in ${folder})`,
    ],
    [
      'a prompt on the hub, where only data may be',
      { prompt: { ...prompt, path: 'hub:org/prompt' } },
      (folder) => `prompt.path: expected a file, but hub:org/prompt does not exist (looked in ${folder})`,
    ],
    [
      'a placeholder that is no input',
      { prompt: { ...prompt, path: 'peeking.txt' } },
      () => 'prompt.path: peeking.txt uses {{synopsis}}, and data.input has description',
    ],
    [
      'a prompt without a placeholder',
      { prompt: { ...prompt, path: 'constant.txt' } },
      () => 'prompt.path: constant.txt has no {{column}} placeholder, so every prompt would be the same',
    ],
    [
      'a packaged model that was not imported',
      { baseModel: 'packaged:other' },
      () =>
        'baseModel: expected a model, but no such packaged model was imported; packaged:SmolLM2-135M-Instruct is, by "tuneline up"',
    ],
    [
      'a folder without a model',
      { baseModel: 'folder' },
      () =>
        'baseModel: expected a model, but folder is neither a folder with a config.json nor a hub ID such as org/name',
    ],
  ])('%s', async (_what, change, message) => {
    expect(await problemsOf(change)).toEqual([message(root)]);
  });
});

test('a model that the Jobs of a cluster would not see is refused, wherever it is', async () => {
  await mkdir(join(root, 'elsewhere'));
  await writeFile(join(root, 'elsewhere', 'config.json'), '{}');
  expect(await check(specInput({ baseModel: 'elsewhere' }))).toMatchObject({ baseModel: 'elsewhere' });
  await expect(check(specInput({ baseModel: 'elsewhere' }), 1)).rejects.toMatchObject({
    type: 'BadSpec',
    message: expect.stringContaining(`under ${join(root, 'models')}, which the cluster's Jobs see`),
  });
  expect(await check(specInput({ baseModel: 'models/imported' }), 1)).toMatchObject({ baseModel: 'models/imported' });
});

test('several nodes need a cluster', async () => {
  const change = { tune: { steps: 10, nodes: 2 } };
  expect(await problemsOf(change)).toEqual([
    'tune.nodes: expected 1, for this machine runs the Jobs, got 2; a cluster has more (TUNELINE_RUNNER=kubernetes)',
  ]);
  expect(await check(specInput(change), 0)).toEqual(aSpec(change));
});

test.each([
  [{ batchSize: 8 }, 8],
  [{ batchSize: 4, gradientAccumulation: 4, nodes: 2 }, 8],
])('%j is shared by every process, where each node has %i GPUs', async (change, gpus) => {
  const input = specInput({ tune: { steps: 10, ...change } });
  await expect(check(input, gpus)).resolves.toMatchObject({ tune: change });
  await expect(check(input, 3)).rejects.toMatchObject({
    type: 'BadSpec',
    message: expect.stringMatching(
      /tune\.batchSize: expected with tune\.gradientAccumulation a multiple of [36], .*TUNELINE_JOB_GPUS 3/,
    ),
  });
});

test('nodes without GPUs share a batch too', async () => {
  await expect(check(specInput({ tune: { steps: 10, nodes: 3 } }), 0)).rejects.toMatchObject({
    message: expect.stringContaining('tune.batchSize: expected with tune.gradientAccumulation a multiple of 3'),
  });
});

test('data without a row has no column at all', async () => {
  expect(await problemsOf({ data: { ...data, path: 'empty.jsonl' } })).toEqual([
    'data.input[0]: the data has no column "description"; it has none',
    'data.target: the data has no column "synopsis"; it has none',
  ]);
});

test('all that is wrong is told at once', async () => {
  const problems = await problemsOf({
    baseModel: 'packaged:other',
    data: { ...data, target: 'summary' },
    prompt: { ...prompt, path: 'peeking.txt' },
  });
  expect(problems.map((line) => line.split(':')[0])).toEqual(['baseModel', 'data.target', 'prompt.path']);
});

test('a field of the wrong kind is told before any file is looked for', async () => {
  expect(await problemsOf({ seed: -1, data: { ...data, path: 'gone.jsonl' } })).toEqual([
    'seed: expected a number of at least 0, got -1',
  ]);
});
