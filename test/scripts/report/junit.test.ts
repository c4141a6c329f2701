import { expect, test } from '@jest/globals';
import { toJunit } from '../../../scripts/report/junit.ts';
import type { Summary } from '../../../scripts/report/summary.ts';
import { awaitingReview, failedAtTune, refusedByGate, summary } from '../../builders/summary.ts';
import { readJunit, type ReadCase } from '../../support/junit.ts';

/** Of each suite what became of each case. */
function endingsOf(of: Summary): Record<string, Record<string, string>> {
  const endings = (cases: readonly ReadCase[]) =>
    Object.fromEntries(cases.map(({ name, ended }) => [name, ended?.as ?? 'passed']));
  return Object.fromEntries(
    readJunit(toJunit(of)).map(({ attributes, cases }) => [attributes['name'] ?? '', endings(cases)]),
  );
}

test('what was promoted passed in each stage and each rule', () => {
  expect(endingsOf(summary())).toEqual({
    stages: { explore: 'passed', prepare: 'passed', tune: 'passed', evaluate: 'passed', deploy: 'passed' },
    gate: { 'bleu at least 5': 'passed', 'costPer1000Requests at most 2': 'passed' },
  });
  expect(Object.keys(endingsOf(summary({ needsReview: true }))['stages'] ?? {})).toEqual([
    'explore',
    'prepare',
    'tune',
    'evaluate',
    'review',
    'deploy',
  ]);
});

test('it says how long each stage took, which were reused, and of which lifecycle it speaks', () => {
  const [stages] = readJunit(toJunit(summary()));
  expect(stages).toMatchObject({
    attributes: { package: 'summaries', time: '3720.600' },
    properties: { lifecycle: 'weekly', verdict: 'promoted' },
    output: 'explore was reused\nprepare was reused',
  });
  expect(stages?.cases.map(({ time }) => time)).toEqual([0, 0, 3661, 59.6, 0]);
});

test('a rule that the gate missed is a failure with its finding, and what it stopped was skipped', () => {
  expect(endingsOf({ ...refusedByGate(), needsReview: true })).toEqual({
    stages: {
      explore: 'passed',
      prepare: 'passed',
      tune: 'passed',
      evaluate: 'passed',
      review: 'skipped',
      deploy: 'skipped',
    },
    gate: { 'bleu at least 5': 'passed', 'costPer1000Requests at most 2': 'passed', 'rougeL at least 0.9': 'failure' },
  });
  expect(readJunit(toJunit(refusedByGate()))[1]?.cases[2]?.ended).toMatchObject({
    type: 'gate',
    text: '0.3 [0.2, 0.4] at 95 %; missed',
  });
});

test('a stage that failed is an error, and there is no gate', () => {
  expect(endingsOf(failedAtTune())).toEqual({
    stages: { explore: 'passed', prepare: 'passed', tune: 'error', evaluate: 'skipped', deploy: 'skipped' },
  });
});

test.each(['check', undefined] as const)(
  'a lifecycle that failed before its first stage (%s) is an error all the same',
  (failedAt) => {
    const { failedAt: _tune, ...failed } = failedAtTune();
    expect(endingsOf({ ...failed, stages: [], ...(failedAt ? { failedAt } : {}) })).toEqual({
      stages: {
        [failedAt ?? 'lifecycle']: 'error',
        explore: 'skipped',
        prepare: 'skipped',
        tune: 'skipped',
        evaluate: 'skipped',
        deploy: 'skipped',
      },
    });
  },
);

test('what would only have come to the version that serves ran nothing, and failed in nothing', () => {
  expect(endingsOf(summary({ verdict: 'unchanged', gate: [], stages: [] }))).toEqual({
    stages: { explore: 'skipped', prepare: 'skipped', tune: 'skipped', evaluate: 'skipped', deploy: 'skipped' },
  });
});

test('what would only have come to a version that was refused says so of each stage', () => {
  const [stages] = readJunit(
    toJunit(summary({ verdict: 'unchanged', gate: [], stages: [], reason: 'Version 8 was refused' })),
  );
  expect(stages?.cases.map(({ ended }) => ended?.message)).toEqual(
    Array.from({ length: 5 }, () => 'did not run: Version 8 was refused'),
  );
});

test('what awaits a review has not failed', () => {
  expect(endingsOf(awaitingReview())['stages']).toMatchObject({
    evaluate: 'passed',
    review: 'skipped',
    deploy: 'skipped',
  });
});

test.each([
  ['reviewer', { review: 'failure', deploy: 'skipped' }],
  ['deadline', { review: 'failure', deploy: 'skipped' }],
  ['stale', { review: 'failure', deploy: 'skipped' }],
  ['endpoint', { review: 'passed', deploy: 'failure' }],
])('what the %s refused failed there', (refusedBy, expected) => {
  const refused = { ...awaitingReview(), verdict: 'rejected', refusedBy, reason: `${refusedBy}: no` } as Summary;
  expect(endingsOf(refused)['stages']).toMatchObject(expected);
});
