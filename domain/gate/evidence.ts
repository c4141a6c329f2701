import type { Metric } from '../spec/gate-rules.ts';

/** A figure and its two-sided interval at the evidence's confidence, in the metric's own unit. */
export interface Interval {
  readonly point: number;
  readonly low: number;
  readonly high: number;
}

export interface Figure extends Interval {
  /** The standard error of `point`, in the unit of the metric; 0 for a value that is known exactly. */
  readonly standardError: number;
  /**
   * Confidence limits at the evidence's `levels`, ascending: the truth lies above the limit at level 0.01 with 99 %
   * confidence. Empty if there was only one example.
   */
  readonly quantiles: readonly number[];
}

/** Candidate minus reference, paired by example. */
export interface Difference extends Figure {
  /** For exactMatch and judgedGroundedness: the exact test over the pairs that disagree (McNemar 1947). */
  readonly mcnemar?: {
    readonly candidateOnly: number;
    readonly referenceOnly: number;
    readonly pCandidateBetter: number;
    readonly pTwoSided: number;
  };
}

export type Role = 'base' | 'candidate' | 'champion';
export type Reference = Exclude<Role, 'candidate'>;
/** In the order of reports: the candidate first, then its references. */
export const shownRoles: readonly Role[] = ['candidate', 'champion', 'base'];

export type Directions = Readonly<Partial<Record<Metric, 'higher' | 'lower'>>>;
type Figures = Readonly<Partial<Record<Metric, Figure>>>;
type Differences = Readonly<Partial<Record<Reference, Readonly<Partial<Record<Metric, Difference>>>>>>;

/** The held-out examples whose column `by` has this value. `by` may also be "length". */
export interface Slice {
  readonly by: string;
  readonly value: string;
  readonly examples: number;
  readonly models: Readonly<Partial<Record<Role, { readonly metrics: Figures }>>>;
  readonly differences: Differences;
}

/** The result of the evaluate stage. */
export interface Evidence {
  readonly schema: 1;
  readonly dataset: { readonly digest: string; readonly examples: number };
  readonly confidence: number;
  readonly bootstrapSamples: number;
  readonly seed: number;
  readonly signatures: Readonly<Record<string, string>>;
  /** Ascending, in (0, 1), and dense at both ends; every figure uses the same levels. */
  readonly levels: readonly number[];
  readonly models: Readonly<
    Partial<Record<Role, { readonly uri: string; readonly digest: string; readonly metrics: Figures }>>
  >;
  readonly differences: Differences;
  readonly slices: readonly Slice[];
  /** The better direction of each suite metric, if the suite states it. */
  readonly directions?: Directions | undefined;
  /** The results by family of attacks, if the attack suite ran. */
  readonly attacks?: {
    readonly suite: string;
    readonly digest: string;
    readonly families: Readonly<
      Record<string, Readonly<Partial<Record<Role, { readonly attacks: number; readonly succeeded: number }>>>>
    >;
  };
}

/** Reduces the evidence to these metrics. The whole evidence, with many slices, would be too large for a history. */
export function evidenceOn(metrics: readonly Metric[], evidence: Evidence): Evidence {
  const some = <T>(figures: Readonly<Partial<Record<Metric, T>>>) =>
    Object.fromEntries(Object.entries(figures).filter(([metric]) => metrics.includes(metric as Metric)));
  const each = <T, U>(byRole: Readonly<Record<string, T>>, change: (one: T) => U) =>
    Object.fromEntries(Object.entries(byRole).map(([role, one]) => [role, change(one)]));
  const narrowed = <T extends Slice | Evidence>(part: T): T => ({
    ...part,
    models: each(part.models, (model) => ({ ...model, metrics: some(model.metrics) })),
    differences: each(part.differences, some),
  });
  const { directions } = evidence;
  return { ...narrowed(evidence), directions: directions && some(directions), slices: evidence.slices.map(narrowed) };
}

/** The only metric that is an amount of money. */
export const costMetric = 'costPer1000Requests' satisfies Metric;

/** Appends the currency to a text about a cost, if the spec names one. */
export const withCurrency = (text: string, metric: string | undefined, currency: string | undefined): string =>
  metric === costMetric && currency !== undefined ? `${text} (${currency})` : text;
