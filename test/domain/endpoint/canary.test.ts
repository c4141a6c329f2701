import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { checkCanary } from '../../../domain/endpoint/canary.ts';
import { differenceOf, meanInterval, quantileInterval, shareInterval } from '../../../domain/monitoring/intervals.ts';
import type { Observation } from '../../../domain/endpoint/release.ts';

const rules = {
  steps: [10],
  bakeSeconds: 60,
  minimumRequests: 0,
  maximumErrorRateIncrease: 0.02,
  maximumLatencyRatio: 1.5,
  maximumRatingLoss: 0.2,
};
const compared = { canary: 'new', current: 'old' };

const requests = (
  release: string,
  count: number,
  of: (i: number) => Partial<Observation> = () => ({}),
): Observation[] =>
  Array.from({ length: count }, (_, i) => ({
    id: `${release} ${i}`,
    atMs: i,
    release,
    status: 200,
    ms: 100 + (i % 10),
    promptCharacters: 10,
    answerCharacters: 10,
    completionTokens: 5,
    refused: false,
    repetition: 0,
    ...of(i),
  }));
const judged = (...observed: Observation[][]) => checkCanary(observed.flat(), compared, rules);

describe('a canary passes', () => {
  test.each([
    ['without any request', judged(), 0],
    ['where it does as the current one does', judged(requests('new', 200), requests('old', 2000)), 200],
    [
      'where a few failures are too few to tell',
      judged(
        requests('new', 5, (i) => ({ status: i === 0 ? 500 : 200 })),
        requests('old', 50),
      ),
      5,
    ],
    [
      'where it fails no more than the current one',
      judged(
        requests('new', 500, (i) => ({ status: i % 10 === 0 ? 500 : 200 })),
        requests('old', 500, (i) => ({ status: i % 10 === 0 ? 500 : 200 })),
      ),
      500,
    ],
    [
      'where it is slower, but by less than is allowed',
      judged(
        requests('new', 500, (i) => ({ ms: 130 + (i % 10) })),
        requests('old', 500),
      ),
      500,
    ],
    [
      'where only what fails takes longer, and fails as often',
      judged(
        requests('new', 500, (i) => (i % 5 === 0 ? { status: 504, ms: 30_000 } : {})),
        requests('old', 500, (i) => (i % 5 === 0 ? { status: 500, ms: 1 } : {})),
      ),
      500,
    ],
    [
      'whatever clients did wrong',
      judged(
        requests('new', 200, () => ({ status: 400 })),
        requests('old', 200),
      ),
      200,
    ],
  ])('%s', (_what, { passed, requests: counted }, expected) => {
    expect(passed).toBe(true);
    expect(counted).toBe(expected);
  });
});

test.each<[string, Observation[][], string]>([
  [
    'fails',
    [requests('new', 100, (i) => ({ status: i % 5 === 0 ? 500 : 200 })), requests('old', 1000)],
    "error rate at most 2 % above the current one's",
  ],
  [
    'breaks off',
    [requests('new', 30, () => ({ status: 0 })), requests('old', 300)],
    "error rate at most 2 % above the current one's",
  ],
  [
    'fails alone, with no traffic beside it',
    [requests('new', 30, () => ({ status: 503 }))],
    "error rate at most 2 % above the current one's",
  ],
  [
    'is slow',
    [requests('new', 100, (i) => ({ ms: 200 + i })), requests('old', 900)],
    "median latency at most 1.5 times the current one's",
  ],
  [
    'is slow now and then',
    [requests('new', 1000, (i) => ({ ms: i % 8 === 0 ? 2000 : 100 })), requests('old', 3000)],
    "p95 latency at most 1.5 times the current one's",
  ],
  [
    'is disliked',
    [
      requests('new', 100, (i) => ({ rating: i % 4 === 0 ? 1 : -1 })),
      requests('old', 100, (i) => ({ rating: i % 4 === 0 ? -1 : 1 })),
    ],
    "mean rating at most 0.2 below the current one's",
  ],
])('a canary that %s is found, and the finding says in what', (_what, observed, rule) => {
  const { passed, findings } = judged(...observed);
  expect(passed).toBe(false);
  expect(findings.filter((one) => !one.passed).map((one) => one.rule)).toEqual([rule]);
});

test('what others answered counts for nobody', () => {
  expect(
    judged(
      requests('third', 500, () => ({ status: 500 })),
      requests('old', 500),
    ).requests,
  ).toBe(0);
});

describe('the intervals', () => {
  test('hold the truth, and are what their sources print', () => {
    // Newcombe 1998, table II, 56/70 against 48/80 by method 10, at 95 %.
    const difference = differenceOf(shareInterval(56, 70, 1.96), shareInterval(48, 80, 1.96));
    expect(difference.point).toBeCloseTo(0.2, 4);
    expect(difference.low).toBeCloseTo(0.0524, 4);
    expect(difference.high).toBeCloseTo(0.3339, 4);
    // Wilson's of 0/10: 0 to 0.2775.
    expect(shareInterval(0, 10, 1.96)).toEqual({ point: 0, low: 0, high: expect.closeTo(0.2775, 4) });
  });

  test('of a share lie in 0 to 1 around it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), fc.double({ min: 0, max: 1, noNaN: true }), (of, share) => {
        const { low, point, high } = shareInterval(Math.round(of * share), of, 2.576);
        expect(low).toBeGreaterThanOrEqual(0);
        expect(low).toBeLessThanOrEqual(point);
        expect(high).toBeGreaterThanOrEqual(point);
        expect(high).toBeLessThanOrEqual(1);
      }),
    );
  });

  test('of a quantile and of a mean are not given for too few', () => {
    expect(quantileInterval([1, 2, 3], 0.95, 2.576)).toBeUndefined();
    expect(quantileInterval([], 0.5, 2.576)).toBeUndefined();
    expect(meanInterval([1], 1.96)).toBeUndefined();
    const ascending = Array.from({ length: 1000 }, (_, i) => i + 1);
    expect(quantileInterval(ascending, 0.5, 1.96)).toEqual({ low: 470, point: 500, high: 531 });
    expect(meanInterval([1, 2, 3], 1.96)).toEqual({
      point: 2,
      low: expect.closeTo(0.868, 3),
      high: expect.closeTo(3.132, 3),
    });
  });
});
