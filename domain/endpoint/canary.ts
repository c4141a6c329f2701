import {
  differenceOf,
  meanInterval,
  quantileInterval,
  shareInterval,
  z99,
  type Interval,
} from '../monitoring/intervals.ts';
import type { CanaryRules } from '../spec/deploy-spec.ts';
import type { Observation } from './release.ts';

export interface LiveFinding {
  readonly rule: string;
  readonly passed: boolean;
  readonly finding: string;
}

export interface CanaryVerdict {
  readonly passed: boolean;
  /** The number of requests that reached the canary, failed ones included. */
  readonly requests: number;
  readonly findings: readonly LiveFinding[];
}

/** The two releases to compare, as `releaseId` gives them. */
export interface Compared {
  readonly canary: string;
  readonly current: string;
}

/** A mean of fewer ratings than this is not meaningful. */
const leastRatings = 10;

/**
 * Compares a canary with the current release on live requests. A rule fails only if the canary is worse by more than
 * the allowed margin at 99 % confidence. Too little traffic to show that is not a failure.
 */
export function checkCanary(
  observations: readonly Observation[],
  { canary, current }: Compared,
  rules: CanaryRules,
): CanaryVerdict {
  const [ofCanary, ofCurrent] = [canary, current].map((id) => observations.filter(({ release }) => release === id)) as [
    Observation[],
    Observation[],
  ];
  const findings = [
    checkErrors(ofCanary, ofCurrent, rules),
    ...checkLatency(ofCanary, ofCurrent, rules),
    ...checkRatings(ofCanary, ofCurrent, rules),
  ];
  return { passed: findings.every(({ passed }) => passed), requests: ofCanary.length, findings };
}

/** A 4xx status is the client's own error, so it does not count as a failure. */
export const isFailure = ({ status }: { readonly status: number }): boolean => status === 0 || status >= 500;

function checkErrors(
  canary: readonly Observation[],
  current: readonly Observation[],
  { maximumErrorRateIncrease }: CanaryRules,
): LiveFinding {
  const [ofCanary, ofCurrent] = [canary, current].map((all) =>
    shareInterval(all.filter(isFailure).length, all.length, z99),
  ) as [Interval, Interval];
  // If the current release had no requests, assume that none of them would have failed.
  const difference = differenceOf(ofCanary, current.length === 0 ? { point: 0, low: 0, high: 0 } : ofCurrent);
  return {
    rule: `error rate at most ${percent(maximumErrorRateIncrease)} above the current one's`,
    passed: difference.low <= maximumErrorRateIncrease,
    finding: `${percent(ofCanary.point)} of ${canary.length} against ${percent(ofCurrent.point)} of ${current.length}; difference ${show(difference, percent)} at 99 %`,
  };
}

function checkLatency(
  canary: readonly Observation[],
  current: readonly Observation[],
  { maximumLatencyRatio }: CanaryRules,
): LiveFinding[] {
  const [ofCanary, ofCurrent] = [canary, current].map(msOf) as [number[], number[]];
  return [
    ['median', 0.5],
    ['p95', 0.95],
  ].flatMap(([name, q]) => {
    const [a, b] = [ofCanary, ofCurrent].map((all) => quantileInterval(all, Number(q), z99));
    if (!a || !b) return [];
    return {
      rule: `${name} latency at most ${maximumLatencyRatio} times the current one's`,
      passed: a.low <= maximumLatencyRatio * b.high,
      finding: `${show(a, ms)} against ${show(b, ms)} at 99 %`,
    };
  });
}

const msOf = (all: readonly Observation[]): number[] =>
  all
    .filter((one) => !isFailure(one))
    .map((one) => one.ms)
    .sort((a, b) => a - b);

function checkRatings(
  canary: readonly Observation[],
  current: readonly Observation[],
  { maximumRatingLoss }: CanaryRules,
): LiveFinding[] {
  const ratings = [canary, current].map((all) => all.flatMap(({ rating }) => rating ?? []));
  if (ratings.some(({ length }) => length < leastRatings)) return [];
  const [a, b] = ratings.map((all) => meanInterval(all, z99));
  if (!a || !b) return [];
  const loss = differenceOf(b, a);
  return [
    {
      rule: `mean rating at most ${maximumRatingLoss} below the current one's`,
      passed: loss.low <= maximumRatingLoss,
      finding: `loss ${show(loss, (x) => x.toFixed(2))} at 99 %`,
    },
  ];
}

const percent = (x: number): string => `${Number((100 * x).toPrecision(3))} %`;
const ms = (x: number): string => `${Math.round(x)} ms`;
const show = ({ point, low, high }: Interval, write: (x: number) => string): string =>
  `${write(point)} [${write(low)}, ${write(high)}]`;
