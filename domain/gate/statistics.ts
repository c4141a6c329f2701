import type { Figure } from './evidence.ts';

/** The side of a bound on which the truth must lie. */
export type Side = 'atLeast' | 'atMost';

/** The quantile of the standard normal distribution at 80 %, the customary statistical power (Cohen 1988). */
const scoreOfPower = 0.8416;

/** Levels computed from decimal fractions can differ in their last bits. */
const tolerance = 1 + 1e-9;

export const isWithin = (p: number, level: number): boolean => p <= level * tolerance;

/**
 * The one-sided p-value of "the truth does not meet the bound", read from confidence limits. It is the smallest level
 * at which the limit still meets the bound, so it is never too small; 1 if no level does.
 */
export function pValueOf(side: Side, bound: number, { quantiles }: Figure, levels: readonly number[]): number {
  if (side === 'atLeast') return levels[quantiles.findIndex((q) => q >= bound)] ?? 1;
  const level = levels[quantiles.findLastIndex((q) => q <= bound)];
  return level === undefined ? 1 : 1 - level;
}

/**
 * The distance from the bound that the truth must have to be shown, at this level, in 80 % of such evaluations. For a
 * normal figure it is (z_level + z_0.8) · standardError. Undefined if no entry of `levels` is as small as `level`.
 */
export function detectableEffect(
  side: Side,
  level: number,
  figure: Figure,
  levels: readonly number[],
): number | undefined {
  const nearest = levels.findLastIndex((l) => isWithin(l, level));
  const limit = figure.quantiles[side === 'atLeast' ? nearest : levels.length - 1 - nearest];
  if (nearest < 0 || limit === undefined) return undefined;
  const reach = side === 'atLeast' ? figure.point - limit : limit - figure.point;
  return Math.max(0, reach) + scoreOfPower * figure.standardError;
}

/**
 * Adjusted p-values, in the given order (Holm, "A Simple Sequentially Rejective Multiple Test Procedure", 1979).
 * Compare each with one level: the chance of any false rejection is then at most that level.
 */
export function holm(pValues: readonly number[]): number[] {
  const ascending = pValues.map((p, index) => ({ p, index })).toSorted((a, b) => a.p - b.p);
  const adjusted: number[] = [];
  let least = 0;
  ascending.forEach(({ p, index }, rank) => {
    least = Math.max(least, Math.min(1, (pValues.length - rank) * p));
    adjusted[index] = least;
  });
  return adjusted;
}

/**
 * True if limits can be read from the figure: every value is a number, there is one limit for each level, and limits
 * ascend.
 */
export function isFigure(x: Figure | undefined, levels: readonly number[]): x is Figure {
  const { point, low, high, standardError, quantiles }: Partial<Figure> = x ?? {};
  if (![point, low, high, standardError, ...(quantiles ?? [])].every(Number.isFinite)) return false;
  return (
    Number(low) <= Number(high) &&
    Number(standardError) >= 0 &&
    quantiles?.length === levels.length &&
    ascends(quantiles)
  );
}

/**
 * True if p-values can be read at these levels: each lies between 0 and 1, they ascend, and they are symmetric around
 * 0.5.
 */
export function areLevels(levels: unknown): levels is readonly number[] {
  if (!Array.isArray(levels) || levels.length === 0) return false;
  const numbers = levels as readonly number[];
  return numbers.every(
    (level, i) =>
      level > 0 && level < 1 && level > (numbers[i - 1] ?? 0) && Math.abs(level + (numbers.at(-1 - i) ?? 0) - 1) < 1e-9,
  );
}

const ascends = (xs: readonly number[]): boolean => xs.every((x, i) => x >= (xs[i - 1] ?? -Infinity));
