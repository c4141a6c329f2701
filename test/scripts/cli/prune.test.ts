import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { digestOfText } from '../../../domain/digest.ts';
import { tags } from '../../../domain/lineage/tracking.ts';
import { createLocalArtifactStore } from '../../../local/artifact-store.ts';
import { createMlflow, type Mlflow } from '../../../mlflow/index.ts';
import { createTracking } from '../../../mlflow/tracking.ts';
import { prune, showPruned } from '../../../scripts/cli/prune.ts';
import { openMlflow, type MlflowServer } from '../../support/mlflow-server.ts';

let server: MlflowServer;
let mlflow: Mlflow;
beforeAll(async () => {
  server = await openMlflow();
  mlflow = createMlflow({ trackingUri: server.trackingUri });
}, 120_000);
afterAll(() => server.stop());

let store: string;
beforeEach(async () => void (store = await mkdtemp(join(tmpdir(), 'tuneline-artifacts-'))));
afterEach(() => rm(store, { recursive: true }));

let models = 0;
const later = Date.now() + 100 * 24 * 3_600_000;

/** A model two of whose tunes ended, with what they wrote; the first one's weights are the champion. */
async function twoTunes() {
  const model = `summaries-${++models}`;
  const tracking = createTracking(mlflow);
  for (const [index, name] of ['first', 'second'].entries()) {
    const job = `tl-${name}-tune-1`;
    const weights = { uri: `file://${store}/jobs/${job}/model`, digest: digestOfText(`${model} ${name}`) };
    const outcome = { kind: 'succeeded', outputs: { model: weights }, figures: {} };
    const runId = await tracking.openRun({
      experiment: model,
      name: 'tune',
      key: { key: tags.job, value: job },
      tags: { [tags.stage]: 'tune', [tags.stageDigest]: `digest of ${name}` },
    });
    await tracking.setTags(runId, { [tags.outcome]: JSON.stringify(outcome) });
    await tracking.endRun(runId, 'FINISHED');
    await mkdir(join(store, 'jobs', job, 'model'), { recursive: true });
    await writeFile(join(store, 'jobs', job, 'model', 'weights'), 'x'.repeat(1000));
    await mkdir(join(store, 'checkpoints', `tl-${name}-tune-0`), { recursive: true });
    if (index === 0)
      await tracking.setAlias(
        model,
        'champion',
        await tracking.registerVersion({ model, runId, weights, description: '', tags: {} }),
      );
  }
  return { model, tracking };
}

const parts = (open: () => string[] = () => []) => ({
  mlflow,
  artifacts: createLocalArtifactStore(store),
  openLifecycles: () => Promise.resolve(open()),
});
const left = async () =>
  [...(await readdir(join(store, 'jobs'))), ...(await readdir(join(store, 'checkpoints')))].sort();
const all = ['tl-first-tune-0', 'tl-first-tune-1', 'tl-second-tune-0', 'tl-second-tune-1'];

test('what no alias names goes, after a dry run that said so', async () => {
  const { model, tracking } = await twoTunes();
  const dry = await prune({ model, keepDays: 30, apply: false, nowMs: later }, parts());
  expect(showPruned(dry, false)).toBe(
    '  would remove: tl-second-tune-1\n  kept: 1, because alias champion of version 1 names it\n1 of 2 Jobs; "--apply" removes what they wrote\n',
  );
  expect(await left()).toEqual(all);
  expect(await tracking.findFinishedRun(model, { key: tags.stageDigest, value: 'digest of second' })).not.toMatchObject(
    { tags: { [tags.removed]: expect.anything() } },
  );

  const pruned = await prune({ model, keepDays: 30, apply: true, nowMs: later }, parts());
  expect(pruned).toMatchObject({ remove: dry.remove, keep: dry.keep, bytes: 1000 });
  expect(await left()).toEqual(['tl-first-tune-0', 'tl-first-tune-1']);
  expect(await tracking.findFinishedRun(model, { key: tags.stageDigest, value: 'digest of second' })).toMatchObject({
    tags: { [tags.removed]: new Date(later).toISOString() },
  });
  expect((await prune({ model, keepDays: 30, apply: true, nowMs: later }, parts())).remove).toEqual([]);
});

test('a lifecycle that begins between plan and removal keeps everything, as before', async () => {
  const { model, tracking } = await twoTunes();
  const asked: string[][] = [[], ['weekly-7']];
  await expect(
    prune(
      { model, keepDays: 0, apply: true, nowMs: later },
      parts(() => asked.shift() ?? []),
    ),
  ).rejects.toThrow(/weekly-7 of .* began meanwhile, so nothing was removed/);
  expect(await left()).toEqual(all);
  expect(
    (await tracking.findFinishedRun(model, { key: tags.stageDigest, value: 'digest of second' }))?.tags[tags.removed],
  ).toBeFalsy();
});

test('a model that MLflow does not know is said so, and not made', async () => {
  await expect(prune({ model: 'nowhere', keepDays: 0, apply: true, nowMs: later }, parts())).rejects.toThrow(
    /There is no model nowhere/,
  );
  expect(await mlflow.experiments.find('nowhere')).toBeUndefined();
});
