/** The confidence interval of a live count or time; `z` is the standard normal's quantile, 1.96 for 95 %. */
export interface Interval {
  readonly point: number;
  readonly low: number;
  readonly high: number;
}

/** The quantile for 99 %. It is not 95 %, because a canary is judged several times and each time can be wrong. */
export const z99 = 2.576;

/**
 * The interval of a share: the score interval (Wilson, "Probable Inference, the Law of Succession, and Statistical
 * Inference", 1927). Without any observation it is 0 to 1.
 */
export function shareInterval(count: number, of: number, z: number): Interval {
  if (of === 0) return { point: 0, low: 0, high: 1 };
  const p = count / of;
  const scale = 1 + (z * z) / of;
  const centre = (p + (z * z) / (2 * of)) / scale;
  const reach = (z * Math.sqrt((p * (1 - p)) / of + (z * z) / (4 * of * of))) / scale;
  // At 0 of n and n of n, set the limit exactly: rounding could exclude the observed share.
  return { point: p, low: count === 0 ? 0 : centre - reach, high: count === of ? 1 : centre + reach };
}

/**
 * The interval of `a` minus `b`, from the interval of each (Newcombe, "Interval estimation for the difference between
 * independent proportions", 1998, method 10).
 */
export function differenceOf(a: Interval, b: Interval): Interval {
  const point = a.point - b.point;
  return {
    point,
    low: point - Math.hypot(a.point - a.low, b.high - b.point),
    high: point + Math.hypot(a.high - a.point, b.point - b.low),
  };
}

/**
 * The interval of a quantile, by order statistics (Conover, "Practical Nonparametric Statistics", 1999, 3.2); undefined
 * if there are too few values for both limits.
 */
export function quantileInterval(ascending: readonly number[], q: number, z: number): Interval | undefined {
  const n = ascending.length;
  const reach = z * Math.sqrt(n * q * (1 - q));
  const [low, point, high] = [n * q - reach, n * q, n * q + reach].map((rank) => ascending[Math.ceil(rank) - 1]);
  return low === undefined || point === undefined || high === undefined ? undefined : { low, point, high };
}

/** The interval of a mean, by its standard error; undefined for fewer than two values. */
export function meanInterval(values: readonly number[], z: number): Interval | undefined {
  const n = values.length;
  if (n < 2) return undefined;
  const point = values.reduce((sum, x) => sum + x, 0) / n;
  const variance = values.reduce((sum, x) => sum + (x - point) ** 2, 0) / (n - 1);
  const reach = z * Math.sqrt(variance / n);
  return { point, low: point - reach, high: point + reach };
}
