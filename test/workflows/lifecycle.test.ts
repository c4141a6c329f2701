import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { WorkflowFailedError } from '@temporalio/client';
import { createSpecActivities } from '../../activities/check-spec.ts';
import type { StageSpec } from '../../domain/job/job-request.ts';
import { statusQuery } from '../../workflows/messages.ts';
import { championOf, fakeActivities, scriptedJobs } from '../builders/activities.ts';
import { artifact } from '../builders/artifacts.ts';
import { between, evidenceOf } from '../builders/evidence.ts';
import { specInput } from '../builders/specs.ts';
import { startTimeSkipping } from '../support/temporal.ts';
import { failureOf, LifecycleLab, promotedReply, resultOf } from './lifecycle-lab.ts';

let lab: LifecycleLab;
beforeAll(async () => {
  lab = await LifecycleLab.open(startTimeSkipping());
});
afterAll(() => lab.close());

test('a candidate that passes the gate is promoted', async () => {
  const fakes = fakeActivities({ registerVersion: () => Promise.resolve('3') });
  const result = await lab.run(fakes.activities, specInput(), resultOf);

  expect(result).toMatchObject({
    model: 'summaries',
    runId: 'parent-run',
    verdict: 'promoted',
    version: '3',
    endpoint: 'summaries',
    endpointUrl: 'http://127.0.0.1/summaries',
    gate: { passed: true, findings: [{ rule: 'bleu at least 5', passed: true }] },
  });
  expect(fakes.calls.map((call) => call.name)).toEqual([
    ...[
      'checkSpec',
      'openLifecycle',
      'runJob',
      'runJob',
      'runJob',
      'findChampion',
      'runJob',
      'readEvidence',
      'recordVerdict',
    ],
    ...['registerVersion', 'askEndpoint', 'recordRelease', 'closeLifecycle'],
  ]);
  expect(fakes.argumentsOf('closeLifecycle')).toEqual([['parent-run', 'FINISHED', 'promoted']]);
});

test('each stage works on what the one before left, and what is served is what was evaluated', async () => {
  const fakes = fakeActivities();
  await lab.run(fakes.activities, specInput(), resultOf);

  const specs = fakes.argumentsOf('runJob').map(([job]) => job.spec);
  expect(specs).toMatchObject([
    { stage: 'explore', data: { uri: artifact('data').uri } },
    { stage: 'prepare', data: { uri: artifact('data').uri } },
    { stage: 'tune', dataset: artifact('dataset'), baseModel: artifact('base').uri },
    {
      stage: 'evaluate',
      dataset: artifact('dataset'),
      models: [
        { role: 'base', ...artifact('base') },
        { role: 'candidate', ...artifact('model') },
      ],
    },
  ]);
  expect(fakes.argumentsOf('readEvidence')).toEqual([[artifact('evidence'), ['bleu']]]);
  expect(fakes.argumentsOf('registerVersion')).toMatchObject([
    [{ weights: artifact('model'), evidence: artifact('evidence') }],
  ]);
  expect(fakes.argumentsOf('askEndpoint')).toMatchObject([
    [{ endpoint: 'summaries', model: 'summaries', version: '1', because: expect.stringContaining('lifecycle-') }],
  ]);
});

test('a candidate that fails the gate is rejected: no version, no release, and a run that is finished', async () => {
  const fakes = fakeActivities({
    readEvidence: () => Promise.resolve(evidenceOf({ candidate: { bleu: between(1, 2) } })),
  });
  const result = await lab.run(fakes.activities, specInput(), resultOf);

  expect(result).toMatchObject({ verdict: 'rejected', by: 'gate', gate: { passed: false } });
  expect(result).toHaveProperty(
    'reason',
    expect.stringMatching(/^bleu at least 5: 1\.5 \[1, 2\] at 95 %; missed: at least 5 /),
  );
  const called = fakes.calls.map((call) => call.name);
  for (const name of ['registerVersion', 'askEndpoint', 'recordRelease']) expect(called).not.toContain(name);
  expect(fakes.argumentsOf('recordVerdict')).toMatchObject([['parent-run', { passed: false }]]);
  expect(fakes.argumentsOf('closeLifecycle')).toEqual([['parent-run', 'FINISHED', 'rejected']]);
});

test.each(['refused', 'withdrawn'] as const)(
  'a candidate whose release was %s is rejected by the endpoint, which says why',
  async (ended) => {
    const fakes = fakeActivities();
    const result = await lab.run(fakes.activities, specInput(), resultOf, ({ id }) => ({
      id,
      ended,
      reason: 'It said nothing.',
    }));

    expect(result).toMatchObject({
      verdict: 'rejected',
      by: 'endpoint',
      reason: 'It said nothing.',
      gate: { passed: true },
    });
    expect(fakes.argumentsOf('recordRelease')).toEqual([]);
    expect(fakes.argumentsOf('closeLifecycle')).toEqual([['parent-run', 'FINISHED', 'rejected']]);
  },
);

test('an endpoint that forgot the request is asked again', async () => {
  const fakes = fakeActivities();
  const asked: string[] = [];
  const result = await lab.run(fakes.activities, specInput(), resultOf, (request) =>
    asked.push(request.id) < 3 ? undefined : promotedReply(request),
  );

  expect(result).toMatchObject({ verdict: 'promoted' });
  expect(new Set(asked).size).toBe(1);
  expect(asked).toHaveLength(3);
});

describe('a lifecycle that may be skipped', () => {
  test('ends at once and leaves nothing in MLflow where nothing changed', async () => {
    const fakes = fakeActivities({ findUnchanged: () => Promise.resolve('7') });
    const { result, status } = await lab.run(
      fakes.activities,
      specInput({ skip: 'whenUnchanged' }),
      async (handle) => ({ result: await handle.result(), status: await handle.query(statusQuery) }),
    );

    expect(result).toEqual({ model: 'summaries', verdict: 'unchanged', version: '7' });
    expect(status).toMatchObject({ stage: 'done', finished: [] });
    expect(fakes.calls.map((call) => call.name)).toEqual(['checkSpec', 'findUnchanged']);
  });

  test('ends with the earlier refusal where the same inputs were refused', async () => {
    const refused = { version: '8', reason: 'Version 8 came from just this, and was refused: it is rude' };
    const fakes = fakeActivities({ findUnchanged: () => Promise.resolve(refused) });
    expect(await lab.run(fakes.activities, specInput({ skip: 'whenUnchanged' }), resultOf)).toEqual({
      model: 'summaries',
      verdict: 'unchanged',
      ...refused,
    });
  });

  test('runs where something changed', async () => {
    const fakes = fakeActivities();
    expect(await lab.run(fakes.activities, specInput({ skip: 'whenUnchanged' }), resultOf)).toMatchObject({
      verdict: 'promoted',
    });
    expect(fakes.calls.slice(0, 3).map((call) => call.name)).toEqual(['checkSpec', 'findUnchanged', 'openLifecycle']);
  });
});

describe('the champion', () => {
  test.each([
    ['with the same weights is not evaluated again', 'model', ['base', 'candidate']],
    ['with other weights is evaluated beside the candidate', 'champion', ['base', 'candidate', 'champion']],
  ])('%s', async (_what, weights, roles) => {
    const fakes = fakeActivities({ findChampion: () => Promise.resolve(championOf(weights)) });
    await lab.run(fakes.activities, specInput(), resultOf);

    expect(fakes.argumentsOf('findChampion')).toEqual([['summaries']]);
    const evaluated = fakes
      .argumentsOf('runJob')
      .map(([{ spec }]) => spec as StageSpec)
      .flatMap((spec) => (spec.stage === 'evaluate' ? spec.models : []));
    expect(evaluated.map((model) => model.role)).toEqual(roles);
    if (roles.includes('champion')) expect(evaluated.at(-1)).toMatchObject(artifact(weights));
  });
});

test('a wrong spec ends the lifecycle at once, with a message for people', async () => {
  const workspace = { root: '/nowhere', models: '/nowhere', codeDigest: '', codeRevision: '' };
  const fakes = fakeActivities(createSpecActivities({ workspace }));
  const failure = await lab.run(fakes.activities, { ...specInput(), modle: 'x' }, failureOf);

  expect(failure).toBeInstanceOf(WorkflowFailedError);
  const { cause } = failure as WorkflowFailedError;
  expect(cause).toMatchObject({ type: 'BadSpec', nonRetryable: true });
  expect(cause).toHaveProperty(
    'message',
    [
      'The spec was refused: 1 field is wrong. Nothing was started.',
      '  modle: no such field; did you mean model?',
      'hint: examples/specs/package-summaries.json is a complete example.',
    ].join('\n'),
  );
  expect(fakes.calls.map((call) => call.name)).toEqual(['checkSpec']);
});

test('a stage that leaves no output of the wanted name ends it, and the run is failed', async () => {
  const fakes = fakeActivities({
    runJob: scriptedJobs({
      tune: [{ outcome: { kind: 'succeeded', outputs: { adapter: artifact('a') }, figures: {} }, reused: false }],
    }),
  });
  const failure = await lab.run(fakes.activities, specInput(), failureOf);

  expect(failure).toMatchObject({
    cause: { type: 'BadOutcome', message: 'The Job of tune reported no output named model; it reported adapter.' },
  });
  expect(fakes.argumentsOf('closeLifecycle')).toEqual([['parent-run', 'FAILED']]);
});
