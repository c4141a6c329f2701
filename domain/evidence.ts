import type { Metric } from './lifecycle-spec.ts';

/** A figure and its confidence interval, `low ≤ point ≤ high`, in the metric's own unit. */
export interface Interval {
  readonly point: number;
  readonly low: number;
  readonly high: number;
}

export type Role = 'base' | 'candidate' | 'champion';

type Figures = Readonly<Partial<Record<Metric, Interval>>>;

/** What the evaluate stage measured; `differences` are candidate − reference, paired by example. */
export interface Evidence {
  readonly schema: 1;
  readonly dataset: { readonly digest: string; readonly examples: number };
  readonly confidence: number;
  readonly bootstrapSamples: number;
  readonly seed: number;
  readonly signatures: Readonly<Record<string, string>>;
  readonly models: Readonly<Partial<Record<Role, { readonly uri: string; readonly digest: string; readonly metrics: Figures }>>>;
  readonly differences: Readonly<Partial<Record<Exclude<Role, 'candidate'>, Figures>>>;
}
