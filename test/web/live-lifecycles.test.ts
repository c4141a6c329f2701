import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { digestOfText } from '../../domain/digest.ts';
import type { Artifact } from '../../domain/job/job.ts';
import type { Lifecycles } from '../../workers/console/lifecycles.ts';
import { createLiveLifecycles } from '../../workers/console/live-lifecycles.ts';
import { createArtifactReader } from '../../workers/console/read-artifact.ts';
import { ensureSearchAttributes } from '../../workers/search-attributes.ts';
import { fakeActivities, scriptedJobs } from '../builders/activities.ts';
import { attackRows } from '../builders/console-attacks.ts';
import { shownEvidence } from '../builders/console-evidence.ts';
import { exampleRows } from '../builders/console-examples.ts';
import { profileOf } from '../builders/console-training.ts';
import { specInput } from '../builders/specs.ts';
import { startDevServer } from '../support/temporal.ts';
import { until } from '../support/until.ts';
import { LifecycleLab, untilReviewIsAwaited, type LifecycleHandle } from '../workflows/lifecycle-lab.ts';
import { runs } from './live-runs.ts';

/** The console's view of real executions on a real Temporal server; only the Jobs and MLflow are faked. */

let temporal: TestWorkflowEnvironment;
let lab: LifecycleLab;
let store: string;
beforeAll(async () => {
  temporal = await startDevServer();
  await ensureSearchAttributes(temporal.client);
  lab = await LifecycleLab.open(Promise.resolve(temporal));
  store = await mkdtemp(join(tmpdir(), 'tuneline-store-'));
});
afterAll(async () => {
  await lab.close();
  await rm(store, { recursive: true });
});

async function keep(name: string, text: string): Promise<Artifact> {
  await writeFile(join(store, name), text);
  return { uri: pathToFileURL(join(store, name)).href, digest: digestOfText(text) };
}

const live = (): Lifecycles =>
  createLiveLifecycles({
    client: temporal.client,
    mlflow: { experiments: { ensure: () => Promise.resolve('1') }, runs },
    readArtifact: createArtifactReader(store),
  });

async function whileAwaitingReview<T>(
  during: (lifecycles: Lifecycles, handle: LifecycleHandle) => Promise<T>,
  rules: { reviewers?: string[] } = {},
): Promise<T> {
  const report = (outputs: Record<string, Artifact>, reused = false) => [
    { outcome: { kind: 'succeeded' as const, outputs, figures: { seconds: 3 } }, reused },
  ];
  const fakes = fakeActivities({
    runJob: scriptedJobs({
      explore: report({ profile: await keep('profile.json', JSON.stringify(profileOf())) }, true),
      evaluate: report({
        evidence: await keep('evidence.json', JSON.stringify(shownEvidence())),
        examples: await keep(
          'per-example.jsonl',
          exampleRows()
            .map((row) => JSON.stringify(row))
            .join('\n'),
        ),
        attacks: await keep(
          'attacks.jsonl',
          attackRows()
            .map((row) => JSON.stringify(row))
            .join('\n'),
        ),
      }),
    }),
  });
  return lab.run(
    fakes.activities,
    { ...specInput({ review: { by: 'person', twoPersonRule: true, ...rules } }), requester: 'Ada' },
    async (handle) => {
      await untilReviewIsAwaited(handle);
      return during(live(), handle);
    },
  );
}

test('what awaits a review is in the queue, with who asked', async () => {
  const awaiting = await whileAwaitingReview(async (lifecycles, { workflowId }) => {
    const own = async () => (await lifecycles.list()).awaiting.find(({ id }) => id === workflowId);
    // The list of executions follows them by a moment.
    await until(async () => (await own()) !== undefined);
    return own();
  });
  expect(awaiting).toMatchObject({
    model: 'summaries',
    state: 'awaiting review',
    review: { requester: 'Ada', twoPersonRule: true },
  });
});

test('everything that the pages show comes from the execution, also of a stage that was reused', async () => {
  const shown = await whileAwaitingReview(async (lifecycles, { workflowId }) => ({
    found: await lifecycles.find(workflowId),
    examples: await lifecycles.examples(workflowId),
    attacks: await lifecycles.attacks(workflowId),
    curve: await lifecycles.curve(workflowId),
    profile: await lifecycles.profile(workflowId),
    lineage: await lifecycles.lineage(workflowId),
  }));
  expect(shown.found).toMatchObject({
    model: 'summaries',
    state: 'awaiting review',
    stage: 'review',
    requester: 'Ada',
    gate: { passed: true, findings: [{ passed: true, drawing: { threshold: 5, passesBelow: false } }] },
    evidence: { examples: 64 },
  });
  expect(shown.found.stages.map(({ stage, reused }) => [stage, reused])).toEqual([
    ['explore', true],
    ['prepare', false],
    ['tune', false],
    ['evaluate', false],
  ]);
  expect(shown.examples).toHaveLength(64);
  expect(shown.attacks).toHaveLength(156);
  expect(shown.curve).toEqual({ series: [{ name: 'loss', points: [{ step: 1, value: 2.5 }] }] });
  expect(shown.profile.rows).toBe(2000);
  expect(shown.lineage.nodes.map(({ kind }) => kind)).toEqual([
    'data',
    'prompt',
    'base model',
    'code',
    'dataset',
    'run',
    'weights',
    'evidence',
    'review',
  ]);
  expect(shown.lineage.nodes.at(-1)).toMatchObject({ name: 'awaited', digest: shown.found.review?.digest });
});

test("a decision reaches the workflow, and its validator's sentence comes back", async () => {
  const { refusals, answer, after } = await whileAwaitingReview(async (lifecycles, handle) => {
    const id = handle.workflowId;
    const { review } = await lifecycles.find(id);
    const decide = (reviewer: string, digest = review?.digest ?? '') =>
      lifecycles.review(id, { decision: 'approve', reviewer, roles: ['reviewer'], digest, comment: 'Reads well.' });
    const refused = await Promise.all(
      [decide('ada'), decide('Grace', 'sha256:0')].map((asked) => asked.catch((error: unknown) => error)),
    );
    const approved = await decide('Grace');
    await handle.result();
    return { refusals: refused, answer: approved, after: await lifecycles.find(id) };
  });
  expect(refusals).toMatchObject([
    { status: 409, message: expect.stringContaining('two-person rule') },
    { status: 409, message: expect.stringContaining('is not the one under review') },
  ]);
  expect(answer).toContain('approved by Grace');
  // By now no worker is asked.
  expect(after).toMatchObject({
    state: 'promoted',
    version: '1',
    endpoint: 'summaries',
    decisions: [{ decision: 'approve', reviewer: 'Grace', comment: 'Reads well.' }],
  });
});

test('who is asked hands a review over; the other decides, and both stand in what is shown', async () => {
  const { answer, refusals, after } = await whileAwaitingReview(
    async (lifecycles, handle) => {
      const id = handle.workflowId;
      const delegate = (from: string, to: string) => lifecycles.delegate(id, { from, roles: ['reviewer'], to });
      const decide = (reviewer: string, digest = '') =>
        lifecycles.review(id, { decision: 'approve', reviewer, roles: ['reviewer'], digest });
      const delegated = await delegate('Grace', 'Mary');
      const { review, delegations } = await lifecycles.find(id);
      expect(delegations).toMatchObject([{ from: 'Grace', to: 'Mary' }]);
      const refused = await Promise.all(
        [delegate('Grace', 'Joan'), delegate('Mary', 'Ada'), decide('Grace', review?.digest)].map((asked) =>
          asked.catch((error: unknown) => error),
        ),
      );
      await decide('mary', review?.digest);
      await handle.result();
      return { answer: delegated, refusals: refused, after: await lifecycles.find(id) };
    },
    { reviewers: ['grace'] },
  );
  expect(answer).toBe('Mary decides in place of Grace');
  expect(refusals).toMatchObject([
    { status: 409, message: 'Grace handed this review over to Mary.' },
    { status: 409, message: 'Ada asked for this lifecycle, and the two-person rule wants another reviewer.' },
    { status: 409, message: 'Grace handed this review over to Mary.' },
  ]);
  expect(after).toMatchObject({
    state: 'promoted',
    delegations: [{ from: 'Grace', to: 'Mary' }],
    decisions: [{ reviewer: 'mary' }],
  });
});

test.each<[string, string, (lifecycles: Lifecycles, id: string) => Promise<unknown>]>([
  ['evidence', 'evidence.json', ({ find }, id) => find(id)],
  ['answers', 'per-example.jsonl', ({ examples }, id) => examples(id)],
  ['attacks', 'attacks.jsonl', ({ attacks }, id) => attacks(id)],
])('%s that were changed after they were judged are refused, not shown', async (_what, file, look) => {
  const refusal = await whileAwaitingReview(async (lifecycles, { workflowId }) => {
    await writeFile(join(store, file), '{}');
    return look(lifecycles, workflowId).catch((error: unknown) => error);
  });
  expect(refusal).toMatchObject({ status: 409, message: expect.stringContaining('changed after it was judged') });
});

test('one that ended unchanged says so, and who asked for it', async () => {
  const found = await lab.run(
    fakeActivities({ findUnchanged: () => Promise.resolve('7') }).activities,
    specInput({ skip: 'whenUnchanged', requester: 'schedule weekly' }),
    async (handle) => {
      await handle.result();
      return live().find(handle.workflowId);
    },
  );
  expect(found).toMatchObject({ state: 'unchanged', stage: 'done', requester: 'schedule weekly', stages: [] });
});

test.each(['nowhere', '../../etc/passwd', 'x'.repeat(2000)])('a lifecycle that is not there: %s', async (id) => {
  await expect(live().find(id)).rejects.toMatchObject({ status: 404 });
});
