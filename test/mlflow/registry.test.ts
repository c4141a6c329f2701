import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { createMlflow, type Mlflow, type VersionToRegister } from '../../mlflow/index.ts';
import { type MlflowServer, openMlflow } from '../support/mlflow-server.ts';
import { inPagesOf, losingTheAnswerTo, meetingBefore } from './fetches.ts';

let server: MlflowServer;
let mlflow: Mlflow;
let runId: string;
beforeAll(async () => {
  server = await openMlflow();
  mlflow = createMlflow({ trackingUri: server.trackingUri });
  const experimentId = await mlflow.experiments.ensure('registry');
  ({ runId } = await mlflow.runs.open({ experimentId, name: 'tune', idempotencyTag: { key: 'k', value: 'v' } }));
}, 120_000);
afterAll(() => server.stop());

const withFetch = (fetch: typeof globalThis.fetch): Mlflow => createMlflow({ trackingUri: server.trackingUri, fetch });

describe('models', () => {
  const newModel = async (): Promise<string> => {
    const name = `model-${randomUUID()}`;
    await mlflow.registry.ensureModel(name, { description: 'd', tags: { team: 'a' } });
    return name;
  };
  const version = (name: string, digest: string, fields: Partial<VersionToRegister> = {}): VersionToRegister => ({
    name,
    runId,
    idempotencyTag: { key: 'tuneline.weights_digest', value: digest },
    ...fields,
  });

  test('many who ensure one model make one', async () => {
    const name = await newModel();
    await Promise.all(Array.from({ length: 5 }, () => mlflow.registry.ensureModel(name)));
    expect(await mlflow.registry.findVersions(name, {})).toEqual([]);
  });

  test('the models that have a champion, with its age', async () => {
    const [served, waits] = [await newModel(), await newModel()];
    const before = Date.now() - 60_000;
    const registered = await mlflow.registry.registerVersion(version(served, 'sha256:served'));
    await mlflow.registry.registerVersion(version(waits, 'sha256:waits'));
    await mlflow.registry.setAlias(served, 'champion', registered.version);
    const found = await mlflow.servedModels();
    expect(found.find(({ name }) => name === served)).toMatchObject({
      tags: { team: 'a' },
      champion: { version: registered.version, tags: registered.tags },
    });
    expect(found.find(({ name }) => name === served)?.champion.createdAtMs).toBeGreaterThan(before);
    expect(found.find(({ name }) => name === waits)).toBeUndefined();
    expect((await withFetch(inPagesOf(1)).servedModels()).map(({ name }) => name)).toContain(served);
  });

  test('a name that MLflow refuses is rejected', async () => {
    await expect(mlflow.registry.ensureModel('a/b')).rejects.toMatchObject({ kind: 'rejected' });
  });

  test('weights anywhere: the source is the run, their URI a tag', async () => {
    const name = await newModel();
    const tags = { 'tuneline.weights_uri': 'file:///somewhere/else' };
    const registered = await mlflow.registry.registerVersion(
      version(name, 'sha256:aa', { tags, description: 'first' }),
    );
    const { artifactUri } = await mlflow.runs.get(runId);
    expect(registered).toMatchObject({
      name,
      version: '1',
      runId,
      source: `${artifactUri}/model`,
      description: 'first',
    });
    expect(registered.tags).toEqual({ ...tags, 'tuneline.weights_digest': 'sha256:aa' });
    expect(await mlflow.registry.getVersion(name, '1')).toEqual(registered);
  });

  test('a run that never was can make no version', async () => {
    const name = await newModel();
    await expect(mlflow.registry.registerVersion(version(name, 'a', { runId: 'nope' }))).rejects.toMatchObject({
      kind: 'notFound',
    });
    await expect(mlflow.registry.registerVersion(version('no-model', 'a'))).rejects.toMatchObject({ kind: 'notFound' });
  });

  test('the same digest is the same version, another is the next', async () => {
    const name = await newModel();
    for (const [digest, expected] of [
      ['a', '1'],
      ['b', '2'],
      ['a', '1'],
      ['A', '3'],
    ] as const) {
      expect((await mlflow.registry.registerVersion(version(name, digest))).version).toBe(expected);
    }
    const key = 'tuneline.weights_digest';
    expect((await mlflow.registry.findVersions(name, { [key]: 'b' })).map((found) => found.version)).toEqual(['2']);
    for (const reader of [mlflow, withFetch(inPagesOf(1))]) {
      expect((await reader.registry.findVersions(name, {})).map((found) => found.version)).toEqual(['1', '2', '3']);
    }
  });

  test('after the answer was lost, the version is adopted', async () => {
    const name = await newModel();
    const unlucky = withFetch(losingTheAnswerTo('/model-versions/create'));
    await expect(unlucky.registry.registerVersion(version(name, 'a'))).rejects.toMatchObject({ kind: 'unreachable' });
    expect((await mlflow.registry.registerVersion(version(name, 'a'))).version).toBe('1');
    expect(await mlflow.registry.findVersions(name, {})).toHaveLength(1);
  });

  test('writers that found none and all registered agree on one', async () => {
    const name = await newModel();
    const racing = withFetch(meetingBefore('/model-versions/create', 3));
    const made = await Promise.all([1, 2, 3].map(() => racing.registry.registerVersion(version(name, 'a'))));
    expect(new Set(made.map((found) => found.version))).toEqual(new Set(['1']));
    expect(await mlflow.registry.findVersions(name, {})).toHaveLength(1);
  });

  test('an alias moves, goes, and is undefined when absent', async () => {
    const name = await newModel();
    for (const digest of ['a', 'b']) await mlflow.registry.registerVersion(version(name, digest));
    expect(await mlflow.registry.getAlias(name, 'champion')).toBeUndefined();
    expect(await mlflow.registry.getAlias('no-model', 'champion')).toBeUndefined();
    await mlflow.registry.setAlias(name, 'champion', '1');
    await mlflow.registry.setAlias(name, 'candidate', '1');
    await mlflow.registry.setAlias(name, 'champion', '2');
    expect(await mlflow.registry.getAlias(name, 'champion')).toBe('2');
    expect((await mlflow.registry.getVersion(name, '1')).aliases).toEqual(['candidate']);
    await mlflow.registry.deleteAlias(name, 'champion');
    await mlflow.registry.deleteAlias(name, 'champion');
    expect(await mlflow.registry.getAlias(name, 'champion')).toBeUndefined();
    await expect(mlflow.registry.setAlias(name, 'champion', '9')).rejects.toMatchObject({ kind: 'notFound' });
  });

  test('tags are added, replaced and taken away', async () => {
    const name = await newModel();
    await mlflow.registry.registerVersion(version(name, 'a', { tags: { verdict: 'pending' } }));
    await mlflow.registry.setVersionTags(name, '1', { verdict: 'passed', reviewer: 'ann' });
    expect((await mlflow.registry.getVersion(name, '1')).tags).toMatchObject({ verdict: 'passed', reviewer: 'ann' });
    for (let times = 0; times < 2; times += 1) await mlflow.registry.deleteVersionTag(name, '1', 'reviewer');
    expect(Object.keys((await mlflow.registry.getVersion(name, '1')).tags)).not.toContain('reviewer');
    await mlflow.registry.deleteVersionTag(name, '9', 'reviewer');
    await expect(mlflow.registry.getVersion(name, '9')).rejects.toMatchObject({ kind: 'notFound' });
  });
});

describe('prompts', () => {
  const newName = (): string => `prompt-${randomUUID()}`;

  test('the same text is the same version, another is the next', async () => {
    const name = newName();
    const odd = `Say 'it' and "that" in {{language}}\\n\n\tüber 100 %`;
    const first = await mlflow.prompts.register({
      name,
      text: 'Answer {{question}}',
      description: 'd',
      tags: { by: 'ann' },
    });
    expect(first).toEqual({
      name,
      version: '1',
      text: 'Answer {{question}}',
      type: 'text',
      description: 'd',
      tags: { by: 'ann' },
    });
    expect((await mlflow.prompts.register({ name, text: odd })).version).toBe('2');
    expect((await mlflow.prompts.register({ name, text: odd })).version).toBe('2');
    expect(await mlflow.prompts.register({ name, text: 'Answer {{question}}' })).toEqual(first);
    expect((await mlflow.prompts.get(name, '2')).text).toBe(odd);
    expect(await Promise.all([odd, 'another'].map((text) => mlflow.prompts.find(name, text)))).toEqual([
      '2',
      undefined,
    ]);
    expect(await mlflow.prompts.find(newName(), odd)).toBeUndefined();
  });

  test('writers that all registered one text agree on one version', async () => {
    const name = newName();
    const racing = withFetch(meetingBefore('/model-versions/create', 3));
    const made = await Promise.all([1, 2, 3].map(() => racing.prompts.register({ name, text: 't' })));
    expect(new Set(made.map(({ version }) => version))).toEqual(new Set(['1']));
    await expect(mlflow.prompts.get(name, '2')).rejects.toMatchObject({ kind: 'notFound' });
  });

  test('a prompt and a model never share a name', async () => {
    const name = newName();
    await mlflow.prompts.register({ name, text: 't' });
    await expect(mlflow.registry.ensureModel(name)).rejects.toMatchObject({ kind: 'rejected' });
    await mlflow.registry.ensureModel('only-a-model');
    await expect(mlflow.prompts.register({ name: 'only-a-model', text: 't' })).rejects.toMatchObject({
      kind: 'rejected',
    });
    const idempotencyTag = { key: 'k', value: 'v' };
    await mlflow.registry.registerVersion({ name: 'only-a-model', runId, idempotencyTag });
    await expect(mlflow.prompts.get('only-a-model', '1')).rejects.toMatchObject({ kind: 'notFound' });
  });

  test.each(['a b', 'a/b', '', "it's"])('the name %j is refused', async (name) => {
    await expect(mlflow.prompts.register({ name, text: 't' })).rejects.toMatchObject({ kind: 'rejected' });
  });

  test('a text too long for MLflow is refused whole', async () => {
    const name = newName();
    await expect(mlflow.prompts.register({ name, text: 'x'.repeat(100_001) })).rejects.toMatchObject({
      kind: 'rejected',
    });
    expect((await mlflow.prompts.register({ name, text: 'x'.repeat(100_000) })).version).toBe('1');
  });
});
