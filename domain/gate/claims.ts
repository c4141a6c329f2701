import type { Difference, Directions, Figure, Interval, Reference, Role } from './evidence.ts';
import type { Metric, Rule } from '../spec/gate-rules.ts';
import type { Side } from './statistics.ts';

type AnyFigure = Interval & Pick<Difference, 'mcnemar'>;
type Figures<F> = Readonly<Partial<Record<string, F>>>;
type Differences<F> = Readonly<Partial<Record<Reference, Figures<F>>>>;
interface Slice<F> {
  readonly by: string;
  readonly value: string;
  readonly differences: Differences<F>;
}

/** The part of the evidence that a claim needs. The type of the figures is open: only their interval is fixed. */
export interface Measured<F extends AnyFigure> {
  readonly models?: Readonly<Partial<Record<Role, { readonly metrics?: Figures<F> }>>>;
  readonly differences?: Differences<F>;
  readonly slices?: readonly Slice<F>[];
  readonly directions?: Directions | undefined;
}

/** One statement that a rule requires. Most rules make one claim; a rule over slices makes one for each slice. */
export interface Claim<F extends AnyFigure = Figure> {
  readonly rule: string;
  readonly metric: Metric;
  readonly slice?: string;
  /** Describes the figure in words; empty for the candidate's own figure. */
  readonly subject: string;
  readonly figure: F | undefined;
  readonly side: Side;
  readonly bound: number;
  /** The bound, in words. */
  readonly wanted: string;
  /** An exact p-value, if there is a test that makes no assumption about the distribution. */
  readonly exactP?: number;
  readonly lowerIsBetter?: boolean;
  /** Explains in words why there is no figure. */
  readonly missing: string;
}

/** Tuneline's own metrics where less is better. For the metrics of a suite, the evidence states the direction. */
export const lowerIsBetter: readonly string[] = [
  'perplexity',
  'repetition',
  'attackSuccessRate',
  'latencyP50Ms',
  'latencyP95Ms',
  'costPer1000Requests',
  'modelBytes',
];

/** Returns the claims of a rule on this evidence: at least one, even if the evidence has no figure for it. */
export function claimsOf<F extends AnyFigure>(rule: Rule, evidence: Measured<F>): Claim<F>[] {
  const { metric } = rule;
  switch (rule.rule) {
    case 'atLeast':
    case 'atMost':
      return [boundOf(rule, evidence)];
    case 'noWorseThanChampion': {
      const reference = championOrBase(evidence);
      const title = `${metric} no worse than champion by more than ${rule.byMoreThan}`;
      return [differenceOf({ title, metric, reference, leastGain: -rule.byMoreThan, from: evidence })];
    }
    case 'betterThanBase':
      return [
        differenceOf({
          title: `${metric} better than base by at least ${rule.byAtLeast}`,
          metric,
          reference: 'base',
          leastGain: rule.byAtLeast,
          from: evidence,
        }),
      ];
    case 'noSliceWorseThanChampion': {
      const reference = championOrBase(evidence);
      const slices = (evidence.slices ?? []).filter(({ by }) => rule.by === undefined || by === rule.by);
      const title = (where: string) => `${metric} in ${where} no worse than champion by more than ${rule.byMoreThan}`;
      const common = { metric, reference, leastGain: -rule.byMoreThan };
      const nowhere = differenceOf<F>({
        ...common,
        title: title(`each slice${rule.by === undefined ? '' : ` by ${rule.by}`}`),
        from: undefined,
      });
      if (slices.length === 0)
        return [{ ...nowhere, missing: `any slice${rule.by === undefined ? '' : ` by ${rule.by}`}` }];
      return slices.map((slice) =>
        differenceOf({ ...common, title: title(nameOf(slice)), from: slice, slice: nameOf(slice) }),
      );
    }
  }
}

const nameOf = ({ by, value }: Pick<Slice<never>, 'by' | 'value'>): string => `${by}=${value}`;

/** The first lifecycle of a model has no champion. Its reference is the base model. */
const championOrBase = <F extends AnyFigure>({ models, differences }: Measured<F>): Reference =>
  (models?.champion ?? differences?.champion) ? 'champion' : 'base';

function boundOf<F extends AnyFigure>(
  { rule: side, metric, value: bound }: Extract<Rule, { value: number }>,
  { models }: Measured<F>,
): Claim<F> {
  const wanted = `${side === 'atLeast' ? 'at least' : 'at most'} ${bound}`;
  const figure = models?.candidate?.metrics?.[metric];
  return {
    rule: `${metric} ${wanted}`,
    metric,
    subject: '',
    figure,
    side,
    bound,
    wanted,
    missing: `the candidate's ${metric}`,
  };
}

interface DifferenceClaim<F extends AnyFigure> {
  readonly title: string;
  readonly metric: Metric;
  readonly reference: Reference;
  /** The smallest acceptable gain in the unit of the metric; negative if a loss is tolerated. */
  readonly leastGain: number;
  readonly from: Pick<Measured<F>, 'differences' | 'directions'> | undefined;
  readonly slice?: string;
}

function differenceOf<F extends AnyFigure>({
  title,
  metric,
  reference,
  leastGain,
  from,
  slice,
}: DifferenceClaim<F>): Claim<F> {
  const direction = directionOf(metric, from?.directions);
  // If the direction of a metric is unknown, a difference in it shows nothing.
  const figure = direction && from?.differences?.[reference]?.[metric];
  const downwards = direction === 'lower';
  const difference = `the difference in ${metric} from the ${reference} model${slice === undefined ? '' : ` in ${slice}`}`;
  return {
    rule: title,
    metric,
    slice,
    subject: `difference from ${reference} `,
    figure,
    side: downwards ? 'atMost' : 'atLeast',
    bound: downwards ? -leastGain : leastGain,
    wanted: inWords(leastGain),
    ...(leastGain === 0 && !downwards && figure?.mcnemar ? { exactP: figure.mcnemar.pCandidateBetter } : {}),
    lowerIsBetter: downwards,
    missing: direction ? difference : `${difference}, nor whether more or less is better`,
  };
}

/** True for a name such as harness/TASK/METRIC: the suite defines the name and the direction of such a metric. */
export const isOfSuite = (metric: string): boolean => metric.includes('/');

/** Undefined if the suite does not state it. */
function directionOf(metric: Metric, directions: Directions = {}): 'higher' | 'lower' | undefined {
  if (isOfSuite(metric)) return directions[metric];
  return lowerIsBetter.includes(metric) ? 'lower' : 'higher';
}

function inWords(leastGain: number): string {
  if (leastGain === 0) return 'no loss';
  return leastGain > 0 ? `a gain of at least ${leastGain}` : `a loss of at most ${-leastGain}`;
}
