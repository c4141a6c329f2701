import type { Difference, Evidence, Figure, Reference, Slice } from './evidence.ts';
import type { Metric, Rule } from './lifecycle-spec.ts';
import type { Side } from './statistics.ts';

/** One statement that a rule wants shown. Most rules make one, a rule over slices one for each. */
export interface Claim {
  readonly rule: string;
  readonly metric: Metric;
  readonly slice?: string;
  /** What the figure is, in words: empty for the candidate's own. */
  readonly subject: string;
  readonly figure: Figure | undefined;
  readonly side: Side;
  readonly bound: number;
  /** The bound, in words. */
  readonly wanted: string;
  /** An exact p-value, where there is a test that needs no distribution. */
  readonly exactP?: number;
  readonly lowerIsBetter?: boolean;
  /** Why there is no figure, in words. */
  readonly missing: string;
}

const lowerIsBetter: ReadonlySet<string> = new Set([
  ...['perplexity', 'repetition', 'attackSuccessRate', 'latencyP50Ms', 'latencyP95Ms'],
  ...['costPer1000Requests', 'modelBytes'],
]);

/** What this rule wants shown of this evidence; at least one claim, if only one that nothing can show. */
export function claimsOf(rule: Rule, evidence: Evidence): Claim[] {
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
      return [differenceOf({ title: `${metric} better than base by at least ${rule.byAtLeast}`, metric, reference: 'base', leastGain: rule.byAtLeast, from: evidence })];
    case 'noSliceWorseThanChampion': {
      const reference = championOrBase(evidence);
      const slices = (evidence.slices ?? []).filter(({ by }) => rule.by === undefined || by === rule.by);
      const title = (where: string) => `${metric} in ${where} no worse than champion by more than ${rule.byMoreThan}`;
      const common = { metric, reference, leastGain: -rule.byMoreThan };
      const nowhere = differenceOf({ ...common, title: title(`each slice${rule.by === undefined ? '' : ` by ${rule.by}`}`), from: undefined });
      if (slices.length === 0) return [{ ...nowhere, missing: `any slice${rule.by === undefined ? '' : ` by ${rule.by}`}` }];
      return slices.map((slice) => differenceOf({ ...common, title: title(nameOf(slice)), from: slice, slice: nameOf(slice) }));
    }
  }
}

const nameOf = ({ by, value }: Slice): string => `${by}=${value}`;

/** The first lifecycle of a model has no champion: the base model is what is served without us. */
const championOrBase = ({ models, differences }: Evidence): Reference => (models?.champion ?? differences?.champion ? 'champion' : 'base');

function boundOf({ rule: side, metric, value: bound }: Extract<Rule, { value: number }>, { models }: Evidence): Claim {
  const wanted = `${side === 'atLeast' ? 'at least' : 'at most'} ${bound}`;
  const figure = models?.candidate?.metrics?.[metric];
  return { rule: `${metric} ${wanted}`, metric, subject: '', figure, side, bound, wanted, missing: `the candidate's ${metric}` };
}

interface DifferenceClaim {
  readonly title: string;
  readonly metric: Metric;
  readonly reference: Reference;
  /** Smallest acceptable gain, in the metric's own unit; negative where a loss is tolerated. */
  readonly leastGain: number;
  readonly from: Pick<Evidence, 'differences'> | undefined;
  readonly slice?: string;
}

function differenceOf({ title, metric, reference, leastGain, from, slice }: DifferenceClaim): Claim {
  const figure: Difference | undefined = from?.differences?.[reference]?.[metric];
  const downwards = lowerIsBetter.has(metric);
  return {
    rule: title,
    metric,
    ...(slice === undefined ? {} : { slice }),
    subject: `difference from ${reference} `,
    figure,
    side: downwards ? 'atMost' : 'atLeast',
    bound: downwards ? -leastGain : leastGain,
    wanted: inWords(leastGain),
    ...(leastGain === 0 && !downwards && figure?.mcnemar ? { exactP: figure.mcnemar.pCandidateBetter } : {}),
    lowerIsBetter: downwards,
    missing: `the difference in ${metric} from the ${reference} model${slice === undefined ? '' : ` in ${slice}`}`,
  };
}

function inWords(leastGain: number): string {
  if (leastGain === 0) return 'no loss';
  return leastGain > 0 ? `a gain of at least ${leastGain}` : `a loss of at most ${-leastGain}`;
}
