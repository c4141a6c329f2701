import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { windowOf } from '../../../domain/monitoring/window-stats.ts';
import { observation, times } from '../../builders/observations.ts';
import { seeded } from '../../faults/faults.ts';

test('what failed is an error, and what a client did wrong is none', () => {
  const { requests, figures } = windowOf([
    ...times(6),
    ...times(1, { status: 0 }),
    ...times(2, { status: 503 }),
    ...times(1, { status: 400 }),
  ]);
  expect(requests).toBe(10);
  expect(figures.errorRate?.point).toBeCloseTo(0.3);
});

test("an interval worked by hand: Wilson's, for 1 of 10", () => {
  const z = 2.3263;
  const middle = (0.1 + z ** 2 / 20) / (1 + z ** 2 / 10);
  const reach = (z / (1 + z ** 2 / 10)) * Math.sqrt(0.09 / 10 + z ** 2 / 400);
  const { errorRate } = windowOf([...times(9), ...times(1, { status: 500 })]).figures;
  expect(errorRate).toEqual({ point: 0.1, low: expect.closeTo(middle - reach), high: expect.closeTo(middle + reach) });
});

test('what only answers have is counted over answers', () => {
  const { figures, answerCharacters, promptCharacters } = windowOf(
    [
      ...times(3, { refused: true, repetition: 0.5, ms: 10 }),
      ...times(1, { ms: 30 }),
      ...times(4, { status: 500, ms: 9000, answerCharacters: 0 }),
    ],
    36,
  );
  expect(figures).toMatchObject({
    refusals: { point: 0.75 },
    repetition: { point: 0.375 },
    latencyP95Ms: { point: 30 },
    completionTokens: { point: 10 },
  });
  // 15 ms on average, a thousand times, at 36 an hour.
  expect(figures.costPer1000Requests?.point).toBeCloseTo(0.15);
  expect([answerCharacters.length, promptCharacters.length]).toEqual([4, 8]);
});

test('ratings are on their own scale, and how many there are is a figure, too', () => {
  const { figures } = windowOf([
    ...times(3, { rating: 1 }),
    ...times(1, { rating: -1 }),
    ...times(4, { guard: 'input' }),
  ]);
  expect(figures).toMatchObject({ rating: { point: 0.5 }, feedbackRate: { point: 0.5 }, guardShare: { point: 0.5 } });
  expect(figures.rating?.low).toBeGreaterThan(-1);
  expect(figures.rating?.high).toBeLessThan(1);
});

test('of nothing there is no figure', () => {
  expect(windowOf([])).toEqual({
    requests: 0,
    figures: {},
    promptCharacters: [],
    answerCharacters: [],
    embeddings: [],
  });
});

describe('an interval', () => {
  test('holds its point, whatever was observed', () => {
    const any = fc.record({
      status: fc.constantFrom(0, 200, 404, 500),
      ms: fc.nat(5000),
      repetition: fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(0, 1, 5e-324)),
      rating: fc.option(fc.double({ min: -1, max: 1, noNaN: true }), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(any, { maxLength: 60 }), (changes) => {
        const observations = changes.map(({ rating, ...change }) =>
          observation({ ...change, ...(rating === undefined ? {} : { rating }) }),
        );
        for (const { point, low, high } of Object.values(windowOf(observations, 1).figures)) {
          expect(low).toBeLessThanOrEqual(point);
          expect(high).toBeGreaterThanOrEqual(point);
        }
      }),
    );
  });

  test.each([
    ['errorRate', 0.05, (u: number) => ({ status: u < 0.05 ? 500 : 200 })],
    // Of an exponential distribution with mean 100.
    ['latencyP95Ms', -100 * Math.log(0.05), (u: number) => ({ ms: -100 * Math.log(1 - u) })],
    ['latencyP50Ms', 100 * Math.log(2), (u: number) => ({ ms: -100 * Math.log(1 - u) })],
    ['repetition', 0.25, (u: number) => ({ repetition: u / 2 })],
  ] as const)(
    'of %s begins above the truth in no more than 1 of 100 windows, but for chance',
    (figure, truth, draw) => {
      const random = seeded(11);
      let above = 0;
      for (let trial = 0; trial < 1000; trial++) {
        const interval = windowOf(Array.from({ length: 120 }, () => observation(draw(random())))).figures[figure];
        above += interval && interval.low > truth ? 1 : 0;
      }
      // Wilson's limits keep their level on average over shares, not at each: up to 2 in 100 at a twentieth of 120.
      expect(above).toBeLessThanOrEqual(25);
    },
  );
});
