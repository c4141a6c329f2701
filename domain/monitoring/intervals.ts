/** Confidence intervals of what is counted or timed live; `z` is the standard normal's quantile, 1.96 for 95 %. */
export interface Interval {
  readonly point: number;
  readonly low: number;
  readonly high: number;
}

/** Of 99 %: a canary is looked at several times, and each look may err. */
export const z99 = 2.576;

/** Of a share, by the score interval (Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", 1927). Of nothing, anything. */
export function shareInterval(count: number, of: number, z: number): Interval {
  if (of === 0) return { point: 0, low: 0, high: 1 };
  const p = count / of;
  const scale = 1 + (z * z) / of;
  const centre = (p + (z * z) / (2 * of)) / scale;
  const reach = (z * Math.sqrt((p * (1 - p)) / of + (z * z) / (4 * of * of))) / scale;
  // At the ends rounding must not keep 0 of n from being possible.
  return { point: p, low: count === 0 ? 0 : centre - reach, high: count === of ? 1 : centre + reach };
}

/** Of `a` less `b`, from their own intervals (Newcombe, "Interval estimation for the difference between independent proportions", 1998, method 10). */
export function differenceOf(a: Interval, b: Interval): Interval {
  const point = a.point - b.point;
  return {
    point,
    low: point - Math.hypot(a.point - a.low, b.high - b.point),
    high: point + Math.hypot(a.high - a.point, b.point - b.low),
  };
}

/** Of a quantile, by order statistics (Conover, "Practical Nonparametric Statistics", 1999, 3.2); undefined where there are too few to bound it. */
export function quantileInterval(ascending: readonly number[], q: number, z: number): Interval | undefined {
  const n = ascending.length;
  const reach = z * Math.sqrt(n * q * (1 - q));
  const [low, point, high] = [n * q - reach, n * q, n * q + reach].map((rank) => ascending[Math.ceil(rank) - 1]);
  return low === undefined || point === undefined || high === undefined ? undefined : { low, point, high };
}

/** Of a mean, by its standard error; undefined for fewer than two values. */
export function meanInterval(values: readonly number[], z: number): Interval | undefined {
  const n = values.length;
  if (n < 2) return undefined;
  const point = values.reduce((sum, x) => sum + x, 0) / n;
  const variance = values.reduce((sum, x) => sum + (x - point) ** 2, 0) / (n - 1);
  const reach = z * Math.sqrt(variance / n);
  return { point, low: point - reach, high: point + reach };
}
