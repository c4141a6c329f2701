import { decide, type Finding } from '../../domain/gate/gate.ts';
import type { Rule } from '../../domain/spec/gate-rules.ts';
import { isWithin } from '../../domain/gate/statistics.ts';
import type { MakeTrials } from './gate-trials.ts';

/** With no margin anywhere, a model against itself stands on the bound of every rule: none is easier to pass by mistake. */
export const strictGate: readonly Rule[] = [
  { rule: 'betterThanBase', metric: 'rougeL', byAtLeast: 0 },
  { rule: 'betterThanBase', metric: 'perplexity', byAtLeast: 0 },
  { rule: 'noWorseThanChampion', metric: 'exactMatch', byMoreThan: 0 },
  { rule: 'noSliceWorseThanChampion', metric: 'rougeL', byMoreThan: 0 },
];

/** The power that a finding states its smallest effect for. */
export const statedPower = 0.8;

/** How often the gate errs on sets of this size; rates are shares of the trials. */
export interface GateErrors {
  readonly examples: number;
  /** Of mistakes, at most: (1 − confidence) / 2. */
  readonly statedRate: number;
  /** The model against itself: the gate promoted it, or showed any rule. */
  readonly promoted: number;
  readonly anyShown: number;
  /** The model against itself: each rule as if it stood alone in the gate. */
  readonly alone: Readonly<Record<string, number>>;
  /** The smallest effect on ROUGE-L that the gate states, in the middle trial, and the rate at which it was found once planted. */
  readonly effect: number;
  readonly gainShown: number;
  readonly lossRefused: number;
  /** The whole interval lies below no loss: not merely refused, but seen. */
  readonly lossSeen: number;
  /** A gate with the stated effects for margins, as a rule that is to let equals through needs it. */
  readonly withMargins: { readonly equalsPromoted: number; readonly lossRefused: number };
}

export async function measureGate(
  makeTrials: MakeTrials,
  asked: { readonly examples: number; readonly trials: number; readonly seed: number },
): Promise<GateErrors> {
  const equals = await makeTrials({ ...asked, loss: 0 });
  const found = equals.map((evidence) => decide(strictGate, evidence));
  const statedRate = (1 - (equals[0]?.confidence ?? NaN)) / 2;
  const names = (found[0]?.findings ?? []).map(nameOf);
  const effectOf = Object.fromEntries(
    names.map((name, i) => [name, median(found.map(({ findings }) => findings[i]?.detectable ?? NaN))]),
  );
  const effect = effectOf['rougeL'] ?? NaN;

  const worse = await makeTrials({ ...asked, seed: asked.seed + 1, loss: effect });
  const better = await makeTrials({ ...asked, seed: asked.seed + 2, loss: -effect });
  const tolerant = withMargins(effectOf);
  return {
    examples: asked.examples,
    statedRate,
    promoted: share(found, ({ passed }) => passed),
    anyShown: share(found, ({ findings }) => findings.some(({ passed }) => passed)),
    alone: Object.fromEntries(
      names.map((name, i) => [name, share(found, ({ findings }) => isWithin(findings[i]?.pValue ?? 1, statedRate))]),
    ),
    effect,
    gainShown: share(better, (evidence) => decide(strictGate, evidence).findings[0]?.passed === true),
    lossRefused: share(worse, (evidence) => !decide(strictGate, evidence).passed),
    lossSeen: share(worse, ({ differences }) => (differences.base?.rougeL?.high ?? 0) < 0),
    withMargins: {
      equalsPromoted: share(equals, (evidence) => decide(tolerant, evidence).passed),
      lossRefused: share(worse, (evidence) => !decide(tolerant, evidence).passed),
    },
  };
}

const nameOf = ({ metric, slice }: Finding): string => `${metric}${slice === undefined ? '' : ` in ${slice}`}`;

/** The same statements, each with as much tolerance as these examples need to show it of an equal. */
function withMargins(effectOf: Readonly<Record<string, number>>): Rule[] {
  const margin = (name: string) => effectOf[name] ?? NaN;
  return [
    ...(['rougeL', 'perplexity', 'exactMatch'] as const).map((metric): Rule => ({
      rule: 'noWorseThanChampion',
      metric,
      byMoreThan: margin(metric),
    })),
    {
      rule: 'noSliceWorseThanChampion',
      metric: 'rougeL',
      byMoreThan: Math.max(margin('rougeL in half=0'), margin('rougeL in half=1')),
    },
  ];
}

function share<T>(all: readonly T[], is: (one: T) => boolean): number {
  return all.filter(is).length / all.length;
}

function median(xs: readonly number[]): number {
  return xs.toSorted((a, b) => a - b)[Math.floor(xs.length / 2)] ?? NaN;
}
