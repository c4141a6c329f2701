import type { Evidence as CurrentEvidence, Interval, Role } from './evidence.ts';
import type { Finding, Verdict } from './gate.ts';
import type { Metric, Rule as CurrentRule } from './lifecycle-spec.ts';

/** As executions have it that were judged before schema 2, for they must replay: nothing new comes here. */
type Evidence = Pick<CurrentEvidence, 'confidence' | 'models' | 'differences'>;
type Rule = Exclude<CurrentRule, { rule: 'noSliceWorseThanChampion' }>;

const lowerIsBetter: ReadonlySet<Metric> = new Set<Metric>(['perplexity', 'latencyP50Ms', 'latencyP95Ms']);

/** The gate of schema 1: each rule against the interval, one by one. */
export function judgeSchema1(rules: readonly CurrentRule[], evidence: Evidence): Verdict {
  const findings = rules.filter((rule) => rule.rule !== 'noSliceWorseThanChampion').map((rule) => judgeRule(rule, evidence));
  return { passed: findings.length > 0 && findings.every((f) => f.passed), findings };
}

function judgeRule(rule: Rule, evidence: Evidence): Finding {
  switch (rule.rule) {
    case 'atLeast':
    case 'atMost':
      return judgeBound(rule, evidence);
    case 'noWorseThanChampion':
      return judgeDifference(`${rule.metric} no worse than champion by more than ${rule.byMoreThan}`, {
        metric: rule.metric,
        // The first lifecycle of a model has no champion: the base model is what is served without us.
        reference: evidence.models.champion ?? evidence.differences.champion ? 'champion' : 'base',
        leastGain: -rule.byMoreThan,
        evidence,
      });
    case 'betterThanBase':
      return judgeDifference(`${rule.metric} better than base by at least ${rule.byAtLeast}`, {
        metric: rule.metric,
        reference: 'base',
        leastGain: rule.byAtLeast,
        evidence,
      });
  }
}

function judgeBound(rule: Extract<Rule, { value: number }>, evidence: Evidence): Finding {
  const wanted = rule.rule === 'atLeast' ? 'at least' : 'at most';
  const title = `${rule.metric} ${wanted} ${rule.value}`;
  const measured = evidence.models.candidate?.metrics[rule.metric];
  if (!isMeasured(measured)) return unknown(title, `the candidate's ${rule.metric}`);
  const holds = (x: number) => (rule.rule === 'atLeast' ? x >= rule.value : x <= rule.value);
  const worstEnd = rule.rule === 'atLeast' ? measured.low : measured.high;
  return {
    rule: title,
    passed: holds(worstEnd),
    finding: `${show(measured, evidence)}: ${explain(holds(worstEnd), holds(measured.point), worstEnd, `${wanted} ${rule.value}`)}`,
  };
}

interface DifferenceRule {
  readonly metric: Metric;
  readonly reference: Role;
  /** Smallest acceptable gain, in the metric's own unit; negative where a loss is tolerated. */
  readonly leastGain: number;
  readonly evidence: Evidence;
}

function judgeDifference(title: string, { metric, reference, leastGain, evidence }: DifferenceRule): Finding {
  const measured = reference === 'candidate' ? undefined : evidence.differences[reference]?.[metric];
  if (!isMeasured(measured)) return unknown(title, `the difference in ${metric} from the ${reference} model`);
  const gain = lowerIsBetter.has(metric) ? flip(measured) : measured;
  const passed = gain.low >= leastGain;
  const wanted = leastGain >= 0 ? `a gain of at least ${leastGain}` : `a loss of at most ${-leastGain}`;
  return {
    rule: title,
    passed,
    finding:
      `difference from ${reference} ${show(measured, evidence)}` +
      `${lowerIsBetter.has(metric) ? ' (lower is better)' : ''}: ${explain(passed, gain.point >= leastGain, gain.low, wanted)}`,
  };
}

function explain(passed: boolean, pointPasses: boolean, worstEnd: number, wanted: string): string {
  if (passed) return `the whole interval meets ${wanted}`;
  if (pointPasses) return `not shown, the interval reaches ${format(worstEnd)} and ${wanted} was asked`;
  return `misses ${wanted}`;
}

function unknown(rule: string, what: string): Finding {
  return { rule, passed: false, finding: `unknown: the evidence holds no figure for ${what}, and what is unknown does not pass` };
}

const isMeasured = (x: Interval | undefined): x is Interval =>
  x !== undefined && [x.point, x.low, x.high].every(Number.isFinite) && x.low <= x.high;

const flip = (x: Interval): Interval => ({ point: -x.point, low: -x.high, high: -x.low });

const show = (x: Interval, evidence: Evidence): string =>
  `${format(x.point)} [${format(x.low)}, ${format(x.high)}] at ${Math.round(evidence.confidence * 1000) / 10} %`;

/** Four significant digits: enough to see why a rule failed, short enough for a table. */
const format = (x: number): string => String(Number(x.toPrecision(4)));
