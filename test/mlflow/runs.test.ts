import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomBytes, randomUUID } from 'node:crypto';
import { createMlflow, type Mlflow, type NewRun } from '../../mlflow/index.ts';
import { type MlflowServer, openMlflow } from '../support/mlflow-server.ts';
import { inPagesOf, losingTheAnswerTo, meetingAround } from './fetches.ts';

let server: MlflowServer;
let mlflow: Mlflow;
let experimentId: string;
beforeAll(async () => {
  server = await openMlflow();
  mlflow = createMlflow({ trackingUri: server.trackingUri });
  experimentId = await mlflow.experiments.ensure('runs');
}, 120_000);
afterAll(() => server.stop());

const newRun = (fields: Partial<NewRun> = {}): NewRun => ({
  experimentId,
  name: 'tune',
  idempotencyTag: { key: 'tuneline.key', value: randomUUID() },
  ...fields,
});
const runIdsOf = async ({ idempotencyTag: { key, value } }: NewRun): Promise<string[]> =>
  (await mlflow.runs.findByTag(experimentId, { [key]: value })).map(({ runId }) => runId);

test('health tells the version', async () => {
  expect((await mlflow.health()).version).toMatch(/^3\./);
});

describe('experiments', () => {
  test('many who ensure one name get one experiment', async () => {
    const ids = await Promise.all(Array.from({ length: 8 }, () => mlflow.experiments.ensure('shared', { team: 'a' })));
    expect(new Set(ids).size).toBe(1);
    expect(await mlflow.experiments.ensure('other')).not.toBe(ids[0]);
  });

  test('a deleted one is a clear refusal', async () => {
    const id = await mlflow.experiments.ensure('gone');
    await fetch(`${server.trackingUri}/api/2.0/mlflow/experiments/delete`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ experiment_id: id }),
    });
    await expect(mlflow.experiments.ensure('gone')).rejects.toMatchObject({
      kind: 'rejected',
      message: expect.stringContaining('was deleted; hint:'),
    });
  });
});

describe('opening a run', () => {
  test('opens it with its name, parent, tags and params', async () => {
    const parent = await mlflow.runs.open(newRun());
    const wanted = newRun({ parentRunId: parent.runId, tags: { stage: 'tune' }, params: { rank: '8' } });
    const run = await mlflow.runs.open(wanted);
    const { key, value } = wanted.idempotencyTag;
    expect(await mlflow.runs.get(run.runId)).toMatchObject({
      name: 'tune',
      status: 'RUNNING',
      tags: { stage: 'tune', [key]: value, 'mlflow.parentRunId': parent.runId },
      params: { rank: '8' },
    });
  });

  test('again, it adopts the run and its status', async () => {
    const wanted = newRun({ params: { rank: '8' } });
    const { runId } = await mlflow.runs.open(wanted);
    await mlflow.runs.end(runId, 'FINISHED');
    expect(await mlflow.runs.open(wanted)).toMatchObject({ runId, status: 'FINISHED', params: { rank: '8' } });
    expect(await runIdsOf(wanted)).toEqual([runId]);
  });

  test('after the answer was lost, it adopts the run', async () => {
    const wanted = newRun({ params: { rank: '8' } });
    const unlucky = createMlflow({ trackingUri: server.trackingUri, fetch: losingTheAnswerTo('/runs/create') });
    await expect(unlucky.runs.open(wanted)).rejects.toMatchObject({ kind: 'unreachable', retryable: true });
    const { runId } = await mlflow.runs.open(wanted);
    expect(await runIdsOf(wanted)).toEqual([runId]);
    expect((await mlflow.runs.get(runId)).params).toEqual({ rank: '8' });
  });

  test('two that found none and both opened agree on one', async () => {
    const wanted = newRun();
    const racing = createMlflow({ trackingUri: server.trackingUri, fetch: meetingAround('/runs/create', 2) });
    const [one, two] = await Promise.all([racing.runs.open(wanted), racing.runs.open(wanted)]);
    expect(one.runId).toBe(two.runId);
    expect(await runIdsOf(wanted)).toEqual([one.runId]);
  });

  test('a param that would change is refused', async () => {
    const wanted = newRun({ params: { rank: '8' } });
    await mlflow.runs.open(wanted);
    await expect(mlflow.runs.open({ ...wanted, params: { rank: '16' } })).rejects.toMatchObject({ kind: 'rejected' });
  });

  test('a tag that MLflow would cut short is refused before anything is made', async () => {
    const wanted = newRun({ tags: { long: 'x'.repeat(8_001) } });
    await expect(mlflow.runs.open(wanted)).rejects.toMatchObject({ kind: 'rejected' });
    expect(await runIdsOf(wanted)).toEqual([]);
  });
});

describe('finding runs', () => {
  test('by all of the tags and the status, newest first', async () => {
    const stage = randomUUID();
    const first = await mlflow.runs.open(newRun({ tags: { stage, model: 'a' } }));
    const second = await mlflow.runs.open(newRun({ tags: { stage, model: 'a' } }));
    await mlflow.runs.open(newRun({ tags: { stage, model: 'b' } }));
    await mlflow.runs.end(first.runId, 'FINISHED');
    const ids = async (...args: Parameters<Mlflow['runs']['findByTag']>): Promise<string[]> =>
      (await mlflow.runs.findByTag(...args)).map(({ runId }) => runId);
    expect(new Set(await ids(experimentId, { stage, model: 'a' }))).toEqual(new Set([first.runId, second.runId]));
    expect(await ids(experimentId, { stage, model: 'a' }, 'FINISHED')).toEqual([first.runId]);
    expect(await ids(experimentId, { stage, model: 'A' })).toEqual([]);
  });

  test.each(["it's", 'say "x"', 'back\\slash', '%', "x' OR tags.a = 'b", 'ünï', ' AND '])(
    'by the value %j',
    async (value) => {
      const wanted = newRun({ idempotencyTag: { key: 'odd key/1.x-y', value } });
      expect(await runIdsOf(wanted)).toEqual([]);
      const { runId } = await mlflow.runs.open(wanted);
      expect(await runIdsOf(wanted)).toEqual([runId]);
    },
  );

  test.each([
    { key: 'k', value: `both ' and "` },
    { key: 'back`tick', value: 'v' },
  ])('what the search language cannot say is refused: %j', async (idempotencyTag) => {
    await expect(mlflow.runs.open(newRun({ idempotencyTag }))).rejects.toMatchObject({ kind: 'rejected' });
  });

  test('an unknown run is not found', async () => {
    await expect(mlflow.runs.get('nope')).rejects.toMatchObject({ kind: 'notFound', retryable: false });
  });
});

describe('logging to a run', () => {
  test('a retry logs nothing twice, whatever the number of points', async () => {
    const { runId } = await mlflow.runs.open(newRun());
    const metrics = Array.from({ length: 2_500 }, (_, step) => ({
      key: 'loss',
      value: 1 / (step + 1),
      step,
      timestampMs: 1_000 + step,
    }));
    const params = Object.fromEntries(Array.from({ length: 150 }, (_, index) => [`p${index}`, `${index}`]));
    await mlflow.runs.log(runId, { metrics, params, tags: { a: '1' } });
    await mlflow.runs.log(runId, { metrics, params, tags: { a: '2' } });
    expect(await mlflow.runs.metricHistory(runId, 'loss')).toEqual(metrics);
    const paging = createMlflow({ trackingUri: server.trackingUri, fetch: inPagesOf(1_000) });
    expect(await paging.runs.metricHistory(runId, 'loss')).toEqual(metrics);
    const run = await mlflow.runs.get(runId);
    expect(run.params).toEqual(params);
    expect(run.tags['a']).toBe('2');
    expect(run.metrics).toEqual({ loss: 1 / 2_500 });
  });

  test('more than MLflow takes in one request arrives whole', async () => {
    const { runId } = await mlflow.runs.open(newRun());
    const bulk = (value: string): Record<string, string> =>
      Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`bulk${index}`, value]));
    const entries = { params: bulk('ü'.repeat(6_000)), tags: bulk('x'.repeat(8_000)) };
    await mlflow.runs.log(runId, entries);
    const { params, tags } = await mlflow.runs.get(runId);
    expect(params).toEqual(entries.params);
    expect(tags).toMatchObject(entries.tags);
  });

  test('NaN stays NaN', async () => {
    const { runId } = await mlflow.runs.open(newRun());
    await mlflow.runs.log(runId, { metrics: [{ key: 'loss', value: NaN, step: 1, timestampMs: 1 }] });
    expect((await mlflow.runs.get(runId)).metrics).toEqual({ loss: NaN });
    expect(await mlflow.runs.metricHistory(runId, 'loss')).toEqual([
      { key: 'loss', value: NaN, step: 1, timestampMs: 1 },
    ]);
    expect(await mlflow.runs.metricHistory(runId, 'other')).toEqual([]);
  });

  test('inputs come back with their whole digest, and once', async () => {
    const { runId } = await mlflow.runs.open(newRun());
    const training = {
      name: 'pairs',
      digest: `sha256:${'ab'.repeat(32)}`,
      uri: 's3://bucket/pairs',
      context: 'training',
      rows: 12,
    };
    const heldOut = {
      name: 'held-out',
      digest: `sha256:${'cd'.repeat(32)}`,
      uri: 'file:///held-out',
      context: 'evaluation',
    };
    await mlflow.runs.logInputs(runId, [training, heldOut]);
    await mlflow.runs.logInputs(runId, [training]);
    await mlflow.runs.logInputs(runId, []);
    const { inputs } = await mlflow.runs.get(runId);
    expect(inputs).toHaveLength(2);
    expect(inputs).toEqual(expect.arrayContaining([training, heldOut]));
  });

  test('ending twice keeps the first end; another status replaces it', async () => {
    const { runId } = await mlflow.runs.open(newRun());
    await mlflow.runs.end(runId, 'FAILED', 5_000);
    await mlflow.runs.end(runId, 'FAILED', 6_000);
    expect(await mlflow.runs.get(runId)).toMatchObject({ status: 'FAILED', endedAtMs: 5_000 });
    await mlflow.runs.end(runId, 'KILLED', 7_000);
    expect(await mlflow.runs.get(runId)).toMatchObject({ status: 'KILLED', endedAtMs: 7_000 });
  });
});

describe('artifacts', () => {
  test('text and bytes come back as they were put, and are listed level by level', async () => {
    const { runId } = await mlflow.runs.open(newRun());
    const bytes = randomBytes(300_000);
    await mlflow.artifacts.put(runId, 'model/table 1.bin', bytes);
    await mlflow.artifacts.put(runId, 'ü.json', '{"old":1}');
    await mlflow.artifacts.put(runId, 'ü.json', '{"ü":1}');
    expect(Buffer.from(await mlflow.artifacts.get(runId, 'model/table 1.bin')).equals(bytes)).toBe(true);
    expect(new TextDecoder().decode(await mlflow.artifacts.get(runId, 'ü.json'))).toBe('{"ü":1}');
    expect(await mlflow.artifacts.list(runId)).toEqual([
      { path: 'model', isDirectory: true, sizeBytes: 0 },
      { path: 'ü.json', isDirectory: false, sizeBytes: 8 },
    ]);
    expect(await mlflow.artifacts.list(runId, 'model')).toEqual([
      { path: 'model/table 1.bin', isDirectory: false, sizeBytes: 300_000 },
    ]);
    expect(await mlflow.artifacts.list(runId, 'nothing')).toEqual([]);
  });

  test('an absent one is not found', async () => {
    const { runId } = await mlflow.runs.open(newRun());
    await expect(mlflow.artifacts.get(runId, 'nope.txt')).rejects.toMatchObject({ kind: 'notFound' });
    await expect(mlflow.artifacts.put('nope', 'a.txt', '')).rejects.toMatchObject({ kind: 'notFound' });
  });

  test.each(['../out.txt', '%2e%2e/out.txt', '/out.txt'])('%s is refused and writes nothing', async (path) => {
    const { runId } = await mlflow.runs.open(newRun());
    await expect(mlflow.artifacts.put(runId, path, 'x')).rejects.toMatchObject({ kind: 'rejected' });
    await expect(mlflow.artifacts.get(runId, path)).rejects.toMatchObject({ kind: 'rejected' });
    await expect(mlflow.artifacts.list(runId, path)).rejects.toMatchObject({ kind: 'rejected' });
    expect(await mlflow.artifacts.list(runId)).toEqual([]);
  });
});
