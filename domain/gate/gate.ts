import { claimsOf, type Claim } from './claims.ts';
import type { Evidence, Figure } from './evidence.ts';
import type { Metric, Rule } from '../spec/gate-rules.ts';
import { areLevels, detectableEffect, holm, isFigure, isWithin, pValueOf } from './statistics.ts';

/** The finding of one test, in words that a reviewer can act on. A rule over slices has one finding for each slice. */
export interface Finding {
  readonly rule: string;
  readonly passed: boolean;
  readonly finding: string;
  readonly metric?: Metric;
  /** For example "source=web". */
  readonly slice?: string;
  /** One-sided; 1 if the evidence has no usable figure. */
  readonly pValue?: number;
  /** Adjusted by Holm over all tests of the gate. The test passes at (1 − confidence) / 2 or less. */
  readonly pAdjusted?: number;
  /**
   * The distance from the bound, in the unit of the metric, that the truth must have to be shown in 80 % of such
   * evaluations.
   */
  readonly detectable?: number;
}

export interface Verdict {
  readonly passed: boolean;
  readonly findings: readonly Finding[];
}

/**
 * Decides on evidence. The gate passes only if every rule is shown. The chance that noise alone shows any false claim
 * is at most (1 − confidence) / 2 over all rules together. A rule without a usable figure is not shown.
 */
export function decide(rules: readonly Rule[], evidence: Evidence): Verdict {
  const unusable = whyUnusable(evidence);
  const claims = rules.flatMap((rule) => claimsOf(rule, evidence));
  const tests = claims.map((claim) => testOf(claim, evidence, unusable));
  const adjusted = holm(tests.map(({ p }) => p));
  const statedRate = (1 - evidence.confidence) / 2;
  const findings = tests.map((test, i) =>
    report(test, { evidence, statedRate, tests: tests.length, pAdjusted: adjusted[i] ?? 1 }),
  );
  return { passed: findings.length > 0 && findings.every((f) => f.passed), findings };
}

/** Returns the reason why no rule can be decided on this evidence. */
function whyUnusable({
  schema,
  confidence,
  levels,
}: {
  schema: number;
  confidence: number;
  levels: readonly number[];
}): string | undefined {
  if (schema !== 1) return `the evidence has schema ${schema}, expected 1: evaluate again with Jobs of this version`;
  if (!(confidence >= 0.5 && confidence < 1))
    return `the evidence has a confidence of ${confidence}, expected 0.5 or more and below 1`;
  if (!areLevels(levels)) return 'the evidence names no levels at which its quantiles stand';
  return undefined;
}

type Test = { readonly claim: Claim; readonly p: number } & (
  { readonly figure: Figure } | { readonly unknown: string }
);

function testOf(claim: Claim, { levels }: Evidence, unusable: string | undefined): Test {
  const { figure, side, bound, exactP, missing } = claim;
  if (unusable !== undefined) return { claim, p: 1, unknown: unusable };
  if (!isFigure(figure, levels)) return { claim, p: 1, unknown: `the evidence holds no usable figure for ${missing}` };
  const p = exactP ?? pValueOf(side, bound, figure, levels);
  return p >= 0 && p <= 1
    ? { claim, figure, p }
    : { claim, p: 1, unknown: `the evidence holds no p-value for ${missing}` };
}

interface Context {
  readonly evidence: Evidence;
  readonly statedRate: number;
  readonly tests: number;
  readonly pAdjusted: number;
}

function report(test: Test, context: Context): Finding {
  const { claim, p: pValue } = test;
  const { evidence, statedRate, tests, pAdjusted } = context;
  const common = { rule: claim.rule, metric: claim.metric, slice: claim.slice, pValue, pAdjusted };
  if ('unknown' in test)
    return { ...common, passed: false, finding: `unknown: ${test.unknown}, and what is unknown does not pass` };
  const passed = isWithin(pAdjusted, statedRate);
  const detectable = detectableEffect(claim.side, statedRate / tests, test.figure, evidence.levels);
  return {
    ...common,
    passed,
    ...(detectable === undefined ? {} : { detectable }),
    finding: [
      `${claim.subject}${show(test.figure, evidence)}${claim.lowerIsBetter ? ' (lower is better)' : ''}`,
      `${conclude(claim, test.figure, passed)}: ${claim.wanted}${isExact(test.figure) ? '' : ` (${showP(test, context)})`}`,
      ...(isExact(test.figure) ? [] : [showPower(claim, detectable)]),
    ].join('; '),
  };
}

function conclude({ side, bound }: Claim, { point, low, high }: Figure, passed: boolean): string {
  if (passed) return 'shown';
  const meets = (x: number) => (side === 'atLeast' ? x >= bound : x <= bound);
  if (meets(point)) return 'not shown, noise could explain it';
  return meets(side === 'atLeast' ? high : low) ? 'missed, though noise could explain it' : 'missed';
}

function showP({ claim, p }: Test, { pAdjusted, tests, statedRate }: Context): string {
  const sign = claim.exactP === undefined && p < 1 ? '≤' : '=';
  const corrected = tests > 1 ? `, ${format(pAdjusted, 2)} after Holm over ${tests} tests` : '';
  return `p ${sign} ${format(p, 2)}${corrected}; ${format(statedRate, 2)} allowed`;
}

function showPower({ side, bound }: Claim, detectable: number | undefined): string {
  if (detectable === undefined) return 'so many tests at once that no figure could show it';
  return `80 % power where the truth is ${format(side === 'atLeast' ? bound + detectable : bound - detectable)} or ${side === 'atLeast' ? 'more' : 'less'}`;
}

/** True if the value is known exactly, or equal in every resample. */
const isExact = ({ standardError, quantiles }: Figure): boolean =>
  standardError === 0 && quantiles[0] === quantiles.at(-1);

const show = (x: Figure, { confidence }: Evidence): string =>
  isExact(x)
    ? `${format(x.point)}, without spread`
    : `${format(x.point)} [${format(x.low)}, ${format(x.high)}] at ${format(confidence * 100)} %`;

/** Four significant digits show why a rule failed, and fit into a table. */
const format = (x: number, digits = 4): string => String(Number(x.toPrecision(digits)));
