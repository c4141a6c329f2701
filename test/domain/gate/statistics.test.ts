import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { detectableEffect, holm, pValueOf } from '../../../domain/gate/statistics.ts';
import { between, levels } from '../../builders/evidence.ts';

/** Closed testing (Marcus, Peritz and Gabriel 1976): a claim is shown if every set that holds it is, here by Bonferroni. */
function byClosedTesting(pValues: readonly number[], level: number): boolean[] {
  const sets = Array.from({ length: 2 ** pValues.length - 1 }, (_, i) =>
    pValues.map((p, j) => ({ p, j })).filter(({ j }) => ((i + 1) >> j) & 1),
  );
  const shown = sets.filter((set) => Math.min(...set.map(({ p }) => p)) * set.length <= level);
  return pValues.map((_, j) =>
    sets.filter((set) => set.some((member) => member.j === j)).every((set) => shown.includes(set)),
  );
}

describe('Holm', () => {
  test('an example worked by hand', () => {
    // Sorted 0.005, 0.01, 0.03, 0.04: times 4, 3, 2, 1, never less than the one before.
    expect(holm([0.01, 0.04, 0.03, 0.005])).toEqual([0.03, 0.06, 0.06, 0.02].map((p) => expect.closeTo(p)));
  });

  test('agrees with closed testing', () => {
    const pValue = fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 0.05, noNaN: true }));
    fc.assert(
      fc.property(
        fc.array(pValue, { minLength: 1, maxLength: 7 }),
        fc.double({ min: 0.001, max: 0.3, noNaN: true }),
        (pValues, level) => {
          expect(holm(pValues).map((p) => p <= level)).toEqual(byClosedTesting(pValues, level));
        },
      ),
    );
  });
});

describe('a p-value read from limits', () => {
  const figure = between(-1.96, 1.96);
  test.each([
    ['atLeast', -2, 0.025],
    ['atLeast', -1.96, 0.025],
    // Between two levels the larger counts.
    ['atLeast', -1.95, 0.05],
    ['atLeast', -5, 0.00001],
    ['atLeast', 0, 0.5],
    ['atLeast', 9, 1],
    ['atMost', 2, 0.025],
    ['atMost', 1.95, 0.05],
    ['atMost', -9, 1],
  ] as const)('%s %d is %d', (side, bound, p) => {
    expect(pValueOf(side, bound, figure, levels)).toBeCloseTo(p, 10);
  });
});

test.each([
  [0.025, 1.96],
  [0.0125, 2.2414],
  // Between two levels the stricter counts.
  [0.011, 2.394],
])('at %d a normal figure shows %d and 0.84 standard errors in 80 %% of evaluations', (level, score) => {
  for (const side of ['atLeast', 'atMost'] as const)
    expect(detectableEffect(side, level, between(-1.96, 1.96), levels)).toBeCloseTo(score + 0.8416, 6);
});
