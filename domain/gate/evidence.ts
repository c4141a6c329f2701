import type { Metric } from '../spec/gate-rules.ts';

/** A figure and its two-sided interval at the evidence's confidence, in the metric's own unit. */
export interface Interval {
  readonly point: number;
  readonly low: number;
  readonly high: number;
}

export interface Figure extends Interval {
  /** Of the point, in the metric's unit; 0 for what is known exactly. */
  readonly standardError: number;
  /** Confidence limits at the evidence's `levels`, ascending: at a level of 0.01 the truth lies above with 99 % confidence. Empty where one example was all. */
  readonly quantiles: readonly number[];
}

/** Candidate less reference, paired by example. */
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
/** As readers see them: the candidate, then what it is held against. */
export const shownRoles: readonly Role[] = ['candidate', 'champion', 'base'];

export type Directions = Readonly<Partial<Record<Metric, 'higher' | 'lower'>>>;
type Figures = Readonly<Partial<Record<Metric, Figure>>>;
type Differences = Readonly<Partial<Record<Reference, Readonly<Partial<Record<Metric, Difference>>>>>>;

/** A part of the held-out examples: those whose column `by`, or whose "length", has this value. */
export interface Slice {
  readonly by: string;
  readonly value: string;
  readonly examples: number;
  readonly models: Readonly<Partial<Record<Role, { readonly metrics: Figures }>>>;
  readonly differences: Differences;
}

/** What the evaluate stage measured. */
export interface Evidence {
  readonly schema: 1;
  readonly dataset: { readonly digest: string; readonly examples: number };
  readonly confidence: number;
  readonly bootstrapSamples: number;
  readonly seed: number;
  readonly signatures: Readonly<Record<string, string>>;
  /** Ascending, in (0, 1), dense at both ends; the same for every figure. */
  readonly levels: readonly number[];
  readonly models: Readonly<
    Partial<Record<Role, { readonly uri: string; readonly digest: string; readonly metrics: Figures }>>
  >;
  readonly differences: Differences;
  readonly slices: readonly Slice[];
  /** Which way is better, of each figure of a suite that says so. */
  readonly directions?: Directions | undefined;
  /** By the family of the attacks, where the suite ran. */
  readonly attacks?: {
    readonly suite: string;
    readonly digest: string;
    readonly families: Readonly<
      Record<string, Readonly<Partial<Record<Role, { readonly attacks: number; readonly succeeded: number }>>>>
    >;
  };
}

/** What the evidence says of these metrics, in the same shape. All of it, over many slices, would be too much for a history. */
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

/** The only metric that is money. */
export const costMetric = 'costPer1000Requests' satisfies Metric;

/** Adds the currency to a text about a cost, where the spec names one. */
export const withCurrency = (text: string, metric: string | undefined, currency: string | undefined): string =>
  metric === costMetric && currency !== undefined ? `${text} (${currency})` : text;
