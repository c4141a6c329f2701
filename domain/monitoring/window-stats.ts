import { isFailure } from '../endpoint/canary.ts';
import { meanInterval, shareInterval, type Interval } from './intervals.ts';
import type { Observation } from '../endpoint/release.ts';

/** Of the standard normal distribution: what noise alone exceeds in 1 of 100 windows, on one side. */
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

/** What the requests of one stretch of time say of a release. A figure that nothing says anything of is left out; intervals are two-sided at 98 %. */
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
      // As evaluate counts it: a thousand times the seconds of a request, at the price of one.
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

/** By the score interval of a share, wide enough also for values between 0 and 1: none vary more than those at the ends. */
function boundedMean(values: readonly number[]): Interval | undefined {
  if (values.length === 0) return undefined;
  const { point, low, high } = shareInterval(
    values.reduce((sum, x) => sum + x, 0),
    values.length,
    scoreOfNoise,
  );
  // Sums of fractions near the ends differ in their last bits.
  return { point, low: Math.min(point, low), high: Math.max(point, high) };
}

/** As `quantileInterval`, but open at the top: that a few requests were slow is shown long before it is known how slow the slowest can be. */
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

/** By the central limit theorem: it holds for windows of some hundred requests. */
const mean = (values: readonly number[]): Interval | undefined => meanInterval(values, scoreOfNoise);

const scaled = (interval: Interval | undefined, by: (x: number) => number): Interval | undefined =>
  interval && { point: by(interval.point), low: by(interval.low), high: by(interval.high) };

const present = (figures: Readonly<Record<LiveFigure, Interval | undefined>>): WindowStats['figures'] =>
  Object.fromEntries(Object.entries(figures).filter(([, interval]) => interval !== undefined));
