import { describe, expect, test } from '@jest/globals';
import { createReleaseActivities } from '../../activities/releases.ts';
import type { Release } from '../../domain/endpoint/release.ts';
import { tags } from '../../domain/lineage/tracking.ts';
import { artifact, fakeArtifacts } from '../builders/artifacts.ts';
import { between, evidenceOf } from '../builders/evidence.ts';
import { inputs } from '../builders/inputs.ts';
import { decided, reviewRecord } from '../builders/reviews.ts';
import { aSpec } from '../builders/specs.ts';
import { fakeTracking } from '../builders/tracking.ts';

const release: Release = {
  endpoint: 'summaries',
  model: 'summaries',
  version: '2',
  weights: artifact('model'),
  prompt: { name: 'summarize', version: '1' },
};

/** The release activities, and what they changed in the registry, in order. */
function releaseActivities() {
  const { tracking, changes } = fakeTracking();
  const evidence = JSON.stringify(evidenceOf({ candidate: { bleu: between(9, 11) } }));
  const activities = createReleaseActivities({
    tracking,
    artifacts: fakeArtifacts(['model'], { [artifact('evidence').uri]: evidence }),
  });
  return { activities, changes };
}

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
      {
        tags: {
          [tags.reviewer]: 'Grace',
          [tags.reviewComment]: 'Reads well.',
          [tags.reviewDigest]: review.digest,
          [tags.review]: JSON.stringify(review),
        },
      },
    ]);
  });

  test('with those of everyone who did, and without comments that MLflow would refuse to keep', async () => {
    const { activities, changes } = releaseActivities();
    const comments = Array.from({ length: 60 }, () => ({ author: 'Mary', text: 'x'.repeat(2000), at: '' }));
    const review = reviewRecord({
      decisions: [decided('Grace', 'approve', 'Reads well.'), decided('Joan'), decided('Kay', 'approve', 'Yes.')],
      comments,
    });
    await activities.registerVersion({ ...candidate, review });
    expect(changes[0]).toMatchObject([
      'registerVersion',
      {
        tags: {
          [tags.reviewer]: 'Grace, Joan, Kay',
          [tags.reviewComment]: 'Grace: Reads well.\nKay: Yes.',
          [tags.review]: JSON.stringify({ ...review, comments: [] }),
        },
      },
    ]);
  });
});

test('the record of a release names what the endpoint serves', async () => {
  const { activities, changes } = releaseActivities();
  await activities.recordRelease('parent-run', release);
  expect(changes).toEqual([
    ['putText', 'parent-run', 'release.json', `${JSON.stringify(release, null, 2)}\n`],
    ['setVersionTags', 'summaries', '2', { [tags.endpoint]: 'summaries' }],
  ]);
});
