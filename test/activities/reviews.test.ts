import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createReviewActivities, type CandidateForReview } from '../../activities/reviews.ts';
import { digestOf, digestOfDataset, digestOfText } from '../../domain/digest.ts';
import { tags } from '../../domain/lineage/tracking.ts';
import { createLocalArtifactStore } from '../../local/artifact-store.ts';
import { createMlflow, type Mlflow } from '../../mlflow/index.ts';
import { createTracking } from '../../mlflow/tracking.ts';
import { artifact } from '../builders/artifacts.ts';
import { decided, reviewRecord } from '../builders/reviews.ts';
import { type MlflowServer, openMlflow } from '../support/mlflow-server.ts';
import { activityEnvironment } from '../support/temporal.ts';

let server: MlflowServer;
let mlflow: Mlflow;
beforeAll(async () => {
  server = await openMlflow();
  mlflow = createMlflow({ trackingUri: server.trackingUri });
});
afterAll(() => server.stop());

let root: string;
let candidate: CandidateForReview;
beforeEach(async () => {
  if (root) await rm(root, { recursive: true });
  root = await mkdtemp(join(tmpdir(), 'tuneline-review-'));
  const keep = async (name: string, file: string) => {
    await mkdir(join(root, name));
    await writeFile(join(root, name, file), name);
    return reported(name);
  };
  const template = `Summarize for ${root}: {{description}}`;
  const prompt = {
    name: 'reviewed-prompt',
    version: (await mlflow.prompts.register({ name: 'reviewed-prompt', text: template })).version,
    template,
  };
  candidate = {
    weights: await keep('model', 'model.safetensors'),
    dataset: await prepared(),
    evidence: await reported(join((await keep('evaluation', 'evidence.json')).uri, 'evidence.json')),
    prompt,
  };
});
afterAll(() => rm(root, { recursive: true }));

/** A data set as `prepare` leaves it. */
async function prepared() {
  await mkdir(join(root, 'dataset'));
  const files = { 'train.jsonl': 'to learn from', 'heldout.jsonl': 'to judge by', 'dataset.json': 'of no account' };
  for (const [name, text] of Object.entries(files)) await writeFile(join(root, 'dataset', name), text);
  const digest = digestOfDataset(digestOfText(files['train.jsonl']), digestOfText(files['heldout.jsonl']));
  return { uri: pathToFileURL(join(root, 'dataset')).href, digest };
}

async function reported(name: string) {
  const uri = name.startsWith('file:') ? name : pathToFileURL(join(root, name)).href;
  return { uri, digest: await createLocalArtifactStore(root).digest(uri) };
}

function activities(code = 'code') {
  const workspace = { root, models: root, codeDigest: artifact(code).digest, codeRevision: 'abc123' };
  return createReviewActivities({
    tracking: createTracking(mlflow),
    artifacts: createLocalArtifactStore(root),
    workspace,
  });
}

const open = () => activities().openReview(candidate);

test('a review is opened on the digest of each part, and of all of them', async () => {
  const subject = {
    weights: candidate.weights.digest,
    prompt: digestOfText(candidate.prompt.template),
    evaluationSet: candidate.dataset.digest,
    evidence: candidate.evidence.digest,
    code: artifact('code').digest,
  };
  expect(await open()).toEqual({ subject, digest: digestOf(subject) });
});

describe('right before deploy', () => {
  const verify = async (code?: string): Promise<readonly string[]> => {
    const { subject } = await open();
    return activityEnvironment().run(activities(code).verifySubject, candidate, subject);
  };

  test('what was approved is found as it was', async () => {
    expect(await verify()).toEqual([]);
  });

  const other = (digest: string) => `, found ${digest}\\)`;
  test.each<[string, () => Promise<unknown>, RegExp]>([
    [
      'weights were written over',
      () => writeFile(join(root, 'model', 'model.safetensors'), 'other'),
      /^the weights \(approved sha256:\w{64}, found sha256:\w{64}\)$/,
    ],
    [
      'a file was added to the weights',
      () => writeFile(join(root, 'model', 'adapter.safetensors'), 'other'),
      /^the weights/,
    ],
    ['the weights are gone', () => rm(join(root, 'model'), { recursive: true }), /^the weights .*, found nothing\)$/],
    [
      "the prompt's text was edited in the registry",
      () =>
        mlflow.registry.setVersionTags('reviewed-prompt', candidate.prompt.version, {
          'mlflow.prompt.text': 'Obey: {{description}}',
        }),
      new RegExp(`^the prompt version's text .*${other(digestOfText('Obey: {{description}}'))}$`),
    ],
    [
      'the evaluation set was edited',
      () => writeFile(join(root, 'dataset', 'heldout.jsonl'), 'easier'),
      /^the evaluation set/,
    ],
    [
      'the evaluation set is gone',
      () => rm(join(root, 'dataset', 'heldout.jsonl')),
      /^the evaluation set .*, found nothing\)$/,
    ],
    [
      'the evidence was edited',
      () => writeFile(join(root, 'evaluation', 'evidence.json'), 'better'),
      new RegExp(`^the evidence .*${other(digestOfText('better'))}$`),
    ],
    [
      'the evidence is gone',
      () => rm(join(root, 'evaluation'), { recursive: true }),
      /^the evidence .*, found nothing\)$/,
    ],
  ])('it is seen that %s, and nothing else', async (_what, change, words) => {
    await change();
    const [found, ...more] = await verify();
    expect(found).toMatch(words);
    expect(more).toEqual([]);
  });

  test('it is seen that the prompt version is no prompt of ours any more', async () => {
    candidate = { ...candidate, prompt: { ...candidate.prompt, version: '999' } };
    expect(await verify()).toEqual([expect.stringMatching(/^the prompt version's text .*, found nothing\)$/)]);
  });

  test("it is seen that the Jobs' image is another", async () => {
    expect(await verify('another image')).toEqual([
      `the Jobs' code or image (approved ${artifact('code').digest}, found ${artifact('another image').digest})`,
    ]);
  });
});

test('a review that is over is kept whole with its run, and its outcome as tags', async () => {
  const run = await mlflow.runs.open({
    experimentId: await mlflow.experiments.ensure('summaries'),
    name: 'weekly',
    idempotencyTag: { key: 'k', value: root },
  });
  const record = reviewRecord({
    decisions: [decided('Ada', 'approve', 'Reads well.'), decided('Grace')],
    comments: [{ author: 'Mary', text: 'Why so short?', at: '' }],
  });
  await activities().closeReview(run.runId, record);
  expect(JSON.parse(new TextDecoder().decode(await mlflow.artifacts.get(run.runId, 'review.json')))).toEqual(record);
  expect((await mlflow.runs.get(run.runId)).tags).toMatchObject({
    [tags.review]: 'approved',
    [tags.reviewer]: 'Ada, Grace',
    [tags.reviewDigest]: record.digest,
  });
});
