import type { Interval } from './evidence.ts';
import type { Observation } from './release.ts';

/** Of the standard normal distribution: what noise alone exceeds in 1 of 100 windows, on one side. */
export const scoreOfNoise = 2.3263;

export type LiveFigure =
  | 'errorRate' | 'guardShare' | 'refusals' | 'repetition' | 'latencyP50Ms' | 'latencyP95Ms' | 'completionTokens' | 'costPer1000Requests' | 'feedbackRate' | 'rating';

/** What the requests of one stretch of time say of a release. A figure that nothing says anything of is left out; intervals are two-sided at 98 %. */
export interface LiveWindow {
  readonly requests: number;
  readonly figures: Readonly<Partial<Record<LiveFigure, Interval>>>;
  readonly promptCharacters: readonly number[];
  readonly answerCharacters: readonly number[];
  readonly embeddings: readonly (readonly number[])[];
}

export function windowOf(observations: readonly Observation[], costPerHour?: number): LiveWindow {
  const answered = observations.filter(({ status }) => status >= 200 && status < 400);
  const ms = answered.map((o) => o.ms).toSorted((a, b) => a - b);
  const ratings = observations.flatMap(({ rating }) => (rating === undefined ? [] : [rating]));
  const money = (costPerHour ?? 0) / 3600;
  return {
    requests: observations.length,
    figures: present({
      errorRate: shareOf(observations, isError),
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

/** A client's own mistakes (4xx) are not the release's. */
export const isError = ({ status }: Pick<Observation, 'status'>): boolean => status === 0 || status >= 500;

const shareOf = <T>(all: readonly T[], is: (one: T) => boolean): Interval | undefined => boundedMean(all.map((one) => (is(one) ? 1 : 0)));

/**
 * Wilson's score interval (1927) of a mean of values from 0 to 1: exact in form for shares, and wide enough for the rest, because no
 * values between the ends vary more than values at the ends.
 */
function boundedMean(values: readonly number[]): Interval | undefined {
  const n = values.length;
  if (n === 0) return undefined;
  const point = values.reduce((sum, x) => sum + x, 0) / n;
  const z2 = scoreOfNoise ** 2 / n;
  const middle = (point + z2 / 2) / (1 + z2);
  const reach = (Math.sqrt(z2) / (1 + z2)) * Math.sqrt(Math.max(0, point * (1 - point)) + z2 / 4);
  // At the ends the sums differ from 0 and 1 in their last bits.
  return { point, low: Math.max(0, Math.min(point, middle - reach)), high: Math.min(1, Math.max(point, middle + reach)) };
}

/** Limits are values of the sample, by the ranks where the score test of "so many lie below" turns (Conover 1999, 3.2); no more than the largest is known at the top. */
function quantile(sorted: readonly number[], share: number): Interval | undefined {
  const n = sorted.length;
  const reach = scoreOfNoise * Math.sqrt(n * share * (1 - share));
  const at = (rank: number): number => sorted[Math.min(n - 1, Math.max(0, rank))] ?? 0;
  return n === 0 ? undefined : { point: at(Math.ceil(n * share) - 1), low: at(Math.floor(n * share - reach) - 1), high: at(Math.ceil(n * share + reach)) };
}

/** By the central limit theorem: it holds for windows of some hundred requests. */
function mean(values: readonly number[]): Interval | undefined {
  const n = values.length;
  if (n === 0) return undefined;
  const point = values.reduce((sum, x) => sum + x, 0) / n;
  const variance = values.reduce((sum, x) => sum + (x - point) ** 2, 0) / Math.max(1, n - 1);
  const reach = scoreOfNoise * Math.sqrt(variance / n);
  return { point, low: point - reach, high: point + reach };
}

const scaled = (interval: Interval | undefined, by: (x: number) => number): Interval | undefined =>
  interval && { point: by(interval.point), low: by(interval.low), high: by(interval.high) };

const present = (figures: Readonly<Record<LiveFigure, Interval | undefined>>): LiveWindow['figures'] =>
  Object.fromEntries(Object.entries(figures).filter(([, interval]) => interval !== undefined));
