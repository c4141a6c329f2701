import { isFailure } from '../endpoint/canary.ts';
import { meanInterval, shareInterval, type Interval } from './intervals.ts';
import type { Observation } from '../endpoint/release.ts';

/** A quantile of the standard normal distribution: noise alone exceeds it in 1 of 100 windows, on one side. */
export const scoreOfNoise = 2.3263;

export type LiveFigure =
  | 'errorRate'
  | 'guardShare'
  | 'refusals'
  | 'repetition'
  | 'latencyP50Ms'
  | 'latencyP95Ms'
  | 'completionTokens'
  | 'costPer1000Requests'
  | 'feedbackRate'
  | 'rating';

/**
 * The statistics of a release over one period of time. A figure without observations is omitted. Intervals are
 * two-sided at 98 %.
 */
export interface WindowStats {
  readonly requests: number;
  readonly figures: Readonly<Partial<Record<LiveFigure, Interval>>>;
  readonly promptCharacters: readonly number[];
  readonly answerCharacters: readonly number[];
  readonly embeddings: readonly (readonly number[])[];
}

export function windowOf(observations: readonly Observation[], costPerHour?: number): WindowStats {
  const answered = observations.filter(({ status }) => status >= 200 && status < 400);
  const ms = answered.map((o) => o.ms).toSorted((a, b) => a - b);
  const ratings = observations.flatMap(({ rating }) => (rating === undefined ? [] : [rating]));
  const money = (costPerHour ?? 0) / 3600;
  return {
    requests: observations.length,
    figures: present({
      errorRate: shareOf(observations, isFailure),
      guardShare: shareOf(observations, ({ guard }) => guard !== undefined),
      refusals: shareOf(answered, ({ refused }) => refused),
      repetition: boundedMean(answered.map(({ repetition }) => repetition)),
      latencyP50Ms: quantile(ms, 0.5),
      latencyP95Ms: quantile(ms, 0.95),
      completionTokens: mean(answered.map(({ completionTokens }) => completionTokens)),
      // The same formula as in evaluate: a thousand times the seconds of a request, times the price of a second.
      costPer1000Requests: costPerHour === undefined ? undefined : mean(ms.map((x) => x * money)),
      feedbackRate: shareOf(observations, ({ rating }) => rating !== undefined),
      rating: scaled(boundedMean(ratings.map((rating) => (rating + 1) / 2)), (share) => 2 * share - 1),
    }),
    promptCharacters: observations.map(({ promptCharacters }) => promptCharacters),
    answerCharacters: answered.map(({ answerCharacters }) => answerCharacters),
    embeddings: observations.flatMap(({ embedding }) => (embedding === undefined ? [] : [embedding])),
  };
}

const shareOf = <T>(all: readonly T[], is: (one: T) => boolean): Interval | undefined =>
  boundedMean(all.map((one) => (is(one) ? 1 : 0)));

/**
 * Uses the score interval of a share. It is wide enough for any values between 0 and 1, because values of only 0 and 1
 * vary most.
 */
function boundedMean(values: readonly number[]): Interval | undefined {
  if (values.length === 0) return undefined;
  const { point, low, high } = shareInterval(
    values.reduce((sum, x) => sum + x, 0),
    values.length,
    scoreOfNoise,
  );
  // Sums of fractions can be off in the last bits, so that the point would lie outside its interval.
  return { point, low: Math.min(point, low), high: Math.max(point, high) };
}

/**
 * Like `quantileInterval`, but with few values the largest one is the upper limit. So slow requests are reported
 * although the true upper limit is not known yet.
 */
function quantile(sorted: readonly number[], share: number): Interval | undefined {
  const n = sorted.length;
  const reach = scoreOfNoise * Math.sqrt(n * share * (1 - share));
  const at = (rank: number): number => sorted[Math.min(n - 1, Math.max(0, rank))] ?? 0;
  return n === 0
    ? undefined
    : {
        point: at(Math.ceil(n * share) - 1),
        low: at(Math.floor(n * share - reach) - 1),
        high: at(Math.ceil(n * share + reach)),
      };
}

/** By the central limit theorem, which is accurate for windows of some hundred requests. */
const mean = (values: readonly number[]): Interval | undefined => meanInterval(values, scoreOfNoise);

const scaled = (interval: Interval | undefined, by: (x: number) => number): Interval | undefined =>
  interval && { point: by(interval.point), low: by(interval.low), high: by(interval.high) };

const present = (figures: Readonly<Record<LiveFigure, Interval | undefined>>): WindowStats['figures'] =>
  Object.fromEntries(Object.entries(figures).filter(([, interval]) => interval !== undefined));
