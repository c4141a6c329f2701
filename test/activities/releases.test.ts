import { describe, expect, test } from '@jest/globals';
import { createReleaseActivities } from '../../activities/releases.ts';
import { SmokeTestError, type EndpointHost, type Release } from '../../domain/release.ts';
import { tags, type RegisteredVersion } from '../../domain/tracking.ts';
import { artifact, fakeArtifacts } from '../builders/artifacts.ts';
import { fakeEndpointHost } from '../builders/endpoint-host.ts';
import { between, evidenceOf } from '../builders/evidence.ts';
import { inputs } from '../builders/inputs.ts';
import { decided, reviewRecord } from '../builders/reviews.ts';
import { aSpec } from '../builders/specs.ts';
import { fakeTracking } from '../builders/tracking.ts';
import { activityEnvironment } from '../support/temporal.ts';

const release: Release = {
  endpoint: 'summaries',
  model: 'summaries',
  version: '2',
  weights: artifact('model'),
  prompt: { name: 'summarize', version: '1' },
};
const url = 'http://127.0.0.1/summaries';

interface Given {
  readonly champion?: RegisteredVersion;
  readonly endpoints?: Partial<EndpointHost>;
}

/** The release activities, and what they changed on the endpoint and in the registry, in order. */
function releaseActivities({ champion, endpoints = {} }: Given = {}) {
  const changes: unknown[][] = [];
  const { tracking } = fakeTracking(champion && { champion }, changes);
  const heldOut = `${artifact('dataset').uri}/heldout.jsonl`;
  const activities = createReleaseActivities({
    tracking,
    artifacts: fakeArtifacts(['model'], { [heldOut]: '{"prompt": "Summarize: Lists files."}\n{"prompt": "another"}\n', [artifact('evidence').uri]: JSON.stringify(evidenceOf({ candidate: { bleu: between(9, 11) } })) }),
    endpoints: fakeEndpointHost(endpoints, changes, url),
  });
  return { activities, changes };
}

describe('a release is prepared', () => {
  const prepare = ({ activities }: ReturnType<typeof releaseActivities>, given = release) =>
    activityEnvironment().run(activities.prepareRelease, given, artifact('dataset')).catch((error: unknown) => error);

  test('and has to answer the first held-out prompt', async () => {
    const lab = releaseActivities();
    expect(await prepare(lab)).toBeUndefined();
    expect(lab.changes).toEqual([['prepare', '2', 'Summarize: Lists files.']]);
  });

  test('but not with other weights than were approved', async () => {
    const lab = releaseActivities();
    const approved = { uri: artifact('model').uri, digest: artifact('approved').digest };
    expect(await prepare(lab, { ...release, weights: approved })).toMatchObject({ type: 'DigestMismatch', nonRetryable: true });
    expect(lab.changes).toEqual([]);
  });

  test('and fails for good if it answers badly', async () => {
    const lab = releaseActivities({ endpoints: { prepare: () => Promise.reject(new SmokeTestError('It said nothing.')) } });
    expect(await prepare(lab)).toMatchObject({ type: 'SmokeTestError', nonRetryable: true, message: 'It said nothing.' });
  });

  test('and is tried again if it did not start', async () => {
    const broken = new Error('no port is free');
    expect(await prepare(releaseActivities({ endpoints: { prepare: () => Promise.reject(broken) } }))).toBe(broken);
  });
});

describe('a release takes over', () => {
  test('traffic first, then the aliases, then the one before is ended', async () => {
    const { activities, changes } = releaseActivities({ champion: { version: '1', weights: artifact('champion') } });
    expect(await activities.releaseVersion(release)).toEqual({ ...release, url });
    expect(changes).toEqual([
      ['setTraffic', ['2', 100]],
      ['setAlias', 'summaries', 'previous', '1'],
      ['setAlias', 'summaries', 'champion', '2'],
      ['removeAlias', 'summaries', 'candidate'],
      ['retireIdle', 'summaries'],
    ]);
  });

  test.each<[string, RegisteredVersion | undefined]>([
    ['the first of its model', undefined],
    ['again, after a crash', { version: '2', weights: artifact('model') }],
  ])('%s, and nothing becomes previous', async (_what, champion) => {
    const { activities, changes } = releaseActivities(champion && { champion });
    await activities.releaseVersion(release);
    expect(changes).toEqual([
      ['setTraffic', ['2', 100]],
      ['setAlias', 'summaries', 'champion', '2'],
      ['removeAlias', 'summaries', 'candidate'],
      ['retireIdle', 'summaries'],
    ]);
  });

  test('not at all if traffic did not move: the aliases stay', async () => {
    const { activities, changes } = releaseActivities({ endpoints: { setTraffic: () => Promise.reject(new Error('the endpoint is away')) } });
    await expect(activities.releaseVersion(release)).rejects.toThrow('the endpoint is away');
    expect(changes).toEqual([]);
  });
});

describe('a version is registered', () => {
  const candidate = {
    spec: aSpec(),
    inputs: inputs(),
    execution: { workflowId: 'weekly', firstExecutionRunId: 'first-run' },
    weights: artifact('model'),
    dataset: artifact('dataset'),
    evidence: artifact('evidence'),
  };

  test('with its lineage, as candidate', async () => {
    const { activities, changes } = releaseActivities();
    expect(await activities.registerVersion(candidate)).toBe('2');
    expect(changes).toMatchObject([
      [
        'registerVersion',
        {
          model: 'summaries',
          runId: 'parent-run',
          weights: artifact('model'),
          tags: {
            [tags.dataDigest]: artifact('data').digest,
            [tags.datasetDigest]: artifact('dataset').digest,
            [tags.evidenceDigest]: artifact('evidence').digest,
            [tags.baseModelDigest]: artifact('base').digest,
            [tags.promptVersion]: 'summarize/1',
            [tags.reviewer]: 'gate',
          },
        },
      ],
      ['putText', 'parent-run', 'model-card.md', expect.stringContaining('| bleu | 10 [9, 11] |')],
      ['putText', 'parent-run', 'model-card.html', expect.stringContaining('<td>bleu</td><td>10 [9, 11]</td>')],
      ['setAlias', 'summaries', 'candidate', '2'],
    ]);
  });

  test('with the name and the words of who approved it', async () => {
    const { activities, changes } = releaseActivities();
    const review = reviewRecord({ decisions: [decided('Grace', 'approve', 'Reads well.')] });
    await activities.registerVersion({ ...candidate, review });
    expect(changes[0]).toMatchObject([
      'registerVersion',
      { tags: { [tags.reviewer]: 'Grace', [tags.reviewComment]: 'Reads well.', [tags.reviewDigest]: review.digest, [tags.review]: JSON.stringify(review) } },
    ]);
  });

  test('with those of everyone who did, and without comments that MLflow would refuse to keep', async () => {
    const { activities, changes } = releaseActivities();
    const comments = Array.from({ length: 60 }, () => ({ author: 'Mary', text: 'x'.repeat(2000), at: '' }));
    const review = reviewRecord({ decisions: [decided('Grace', 'approve', 'Reads well.'), decided('Joan'), decided('Kay', 'approve', 'Yes.')], comments });
    await activities.registerVersion({ ...candidate, review });
    expect(changes[0]).toMatchObject([
      'registerVersion',
      { tags: { [tags.reviewer]: 'Grace, Joan, Kay', [tags.reviewComment]: 'Grace: Reads well.\nKay: Yes.', [tags.review]: JSON.stringify({ ...review, comments: [] }) } },
    ]);
  });

  test('with the one decision that an execution from before there were records had', async () => {
    const { activities, changes } = releaseActivities();
    const decision = { decision: 'approve', reviewer: 'Ada', digest: artifact('model').digest, comment: 'Reads well.' } as const;
    await activities.registerVersion({ ...candidate, decision });
    expect(changes[0]).toMatchObject(['registerVersion', { tags: { [tags.reviewer]: 'Ada', [tags.reviewComment]: 'Reads well.' } }]);
  });
});

test('the record of a release names what is served, not the address of the moment', async () => {
  const { activities, changes } = releaseActivities();
  await activities.recordRelease('parent-run', { ...release, url });
  expect(changes).toEqual([
    ['putText', 'parent-run', 'release.json', `${JSON.stringify(release, null, 2)}\n`],
    ['setVersionTags', 'summaries', '2', { [tags.endpoint]: 'summaries' }],
  ]);
});
