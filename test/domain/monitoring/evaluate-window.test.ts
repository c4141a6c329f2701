import { describe, expect, test } from '@jest/globals';
import { driftsOf, evaluateWindow, type Drifts } from '../../../domain/monitoring/evaluate-window.ts';
import { profileOf } from '../../../domain/monitoring/training-profile.ts';
import { windowOf } from '../../../domain/monitoring/window-stats.ts';
import type { MonitorRule } from '../../../domain/spec/monitor-spec.ts';
import type { Observation } from '../../../domain/endpoint/release.ts';
import { times } from '../../builders/observations.ts';

const judged = (rule: MonitorRule, observations: readonly Observation[], drifts: Drifts = {}) =>
  evaluateWindow({ window: windowOf(observations, 36), drifts, rules: [rule], refresh: undefined, ageDays: 0 })[0];

const errorRate: MonitorRule = { rule: 'errorRate', above: 0.1, then: 'rollback' };
const failing = (count: number, of: number) => [...times(count, { status: 500 }), ...times(of - count)];

describe('over its limit is what noise does not explain', () => {
  test.each([
    ['a point beyond the limit, the interval not', failing(2, 10), 'between'],
    ['the whole interval beyond', failing(60, 200), 'over'],
    ['a point at most four fifths of the limit', failing(8, 100), 'within'],
    ['a point between both', failing(9, 100), 'between'],
    ['nothing at all', [], 'unknown'],
  ])('%s', (_what, observations, side) => {
    expect(judged(errorRate, observations)).toMatchObject({ rule: 'errorRate', then: 'rollback', side });
  });

  test('and the finding has the figure, its interval and its limit', () => {
    expect(judged(errorRate, failing(60, 200))?.finding).toBe('errorRate 0.3 [0.231, 0.38], at most 0.1 allowed');
  });
});

test.each<[MonitorRule, Partial<Observation>, Partial<Observation>]>([
  [{ rule: 'refusals', above: 0.5, then: 'alarm' }, { refused: true }, {}],
  [{ rule: 'repetition', above: 0.5, then: 'alarm' }, { repetition: 0.9 }, { repetition: 0.1 }],
  [{ rule: 'latencyP95Ms', above: 500, then: 'alarm' }, { ms: 600 }, { ms: 100 }],
  // 1 s is a cent at 36 an hour.
  [{ rule: 'costPer1000Requests', above: 10, then: 'alarm' }, { ms: 1100 }, { ms: 700 }],
  [{ rule: 'feedback', below: 0, then: 'alarm' }, { rating: -0.5 }, { rating: 0.5 }],
])('each rule judges its own figure: $rule', (rule, bad, good) => {
  expect(judged(rule, times(100, bad))?.side).toBe('over');
  expect(judged(rule, times(100, good))?.side).toBe('within');
});

test('ratings that are few may be low by chance', () => {
  expect(
    judged({ rule: 'feedback', below: 0, then: 'alarm' }, [...times(3, { rating: -1 }), ...times(2, { rating: 1 })])
      ?.side,
  ).toBe('between');
});

describe('drift', () => {
  const rule: MonitorRule = { rule: 'inputDrift', lengths: 0.25, embeddings: 0.3, then: 'retrain' };
  const drift = (size: number, beyondNoise = true) => ({ size, beyondNoise });

  test.each([
    ['both small', { promptLengthDrift: drift(0.1), promptEmbeddingDrift: drift(0.2) }, 'within'],
    ['one large', { promptLengthDrift: drift(0.1), promptEmbeddingDrift: drift(0.5) }, 'over'],
    [
      'large, though noise explains it',
      { promptLengthDrift: drift(0.4, false), promptEmbeddingDrift: drift(0) },
      'between',
    ],
    ['shown, but not large', { promptLengthDrift: drift(0.22), promptEmbeddingDrift: drift(0) }, 'between'],
    ['one unknown', { promptLengthDrift: drift(0.1) }, 'within'],
    ['nothing known', {}, 'unknown'],
  ])('%s', (_what, drifts, side) => {
    expect(judged(rule, [], drifts)?.side).toBe(side);
  });

  test('what is over is what the finding tells of', () => {
    expect(judged(rule, [], { promptLengthDrift: drift(0.1), promptEmbeddingDrift: drift(0.512) })?.finding).toBe(
      'promptEmbeddingDrift 0.512, at most 0.3 allowed',
    );
  });

  test('is not spoken of below 50 requests', () => {
    const profile = profileOf(
      Array.from({ length: 60 }, (_, i) => ({ prompt: 'x'.repeat(i), completion: 'y' })),
      'd',
    );
    const embedding = new Array<number>(64).fill(0.125);
    expect(driftsOf(windowOf(times(49, { embedding })), profile)).toEqual({});
    expect(Object.keys(driftsOf(windowOf(times(50, { embedding })), profile))).toEqual([
      'promptLengthDrift',
      'promptEmbeddingDrift',
      'answerLengthDrift',
    ]);
    expect(Object.keys(driftsOf(windowOf(times(50, { status: 500 })), profile))).toEqual(['promptLengthDrift']);
  });
});

test.each([
  [29.9, 'within'],
  [30.1, 'over'],
] as const)('a model of %d days is %s an age of 30', (ageDays, side) => {
  const refresh = { maximumAgeDays: 30, then: 'retrain', coolDownHours: 24 } as const;
  expect(evaluateWindow({ window: windowOf([]), drifts: {}, rules: [], refresh, ageDays })).toEqual([
    { rule: 'modelAge', then: 'retrain', side, finding: `the model is ${ageDays} days old, at most 30 allowed` },
  ]);
});
