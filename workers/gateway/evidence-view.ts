import type { Finding } from '../../domain/gate.ts';
import type { Rule } from '../../domain/lifecycle-spec.ts';
import type { EvidenceView, Figures, FindingView, IntervalView, SliceView } from './views.ts';

type Json = Readonly<Record<string, unknown>>;

const lowerIsBetter = ['perplexity', 'repetition', 'attackSuccessRate', 'latencyP50Ms', 'latencyP95Ms', 'costPer1000Requests', 'modelBytes'];

/** What of the evidence a page can draw. It reads every schema of it: what an earlier one lacks is left out. */
export function viewEvidence(raw: unknown): EvidenceView {
  const evidence = recordFrom(raw);
  const dataset = recordFrom(evidence['dataset']);
  const attacks = recordFrom(evidence['attacks']);
  return {
    examples: numberFrom(dataset['examples']),
    datasetDigest: textFrom(dataset['digest']),
    confidence: numberFrom(evidence['confidence']),
    bootstrapSamples: numberFrom(evidence['bootstrapSamples']),
    signatures: mapValues(recordFrom(evidence['signatures']), textFrom),
    models: mapValues(recordFrom(evidence['models']), (model) => ({ digest: textFrom(recordFrom(model)['digest']), metrics: figuresFrom(recordFrom(model)['metrics']) })),
    differences: mapValues(recordFrom(evidence['differences']), figuresFrom),
    slices: listFrom(evidence['slices']).map(viewSlice),
    ...('attacks' in evidence
      ? {
          attacks: {
            suite: textFrom(attacks['suite']),
            families: mapValues(recordFrom(attacks['families']), (family) =>
              mapValues(recordFrom(family), (tally) => ({ attacks: numberFrom(recordFrom(tally)['attacks']), succeeded: numberFrom(recordFrom(tally)['succeeded']) })),
            ),
          },
        }
      : {}),
    lowerIsBetter,
    boundsOnly: ['lengthRatio'],
  };
}

function viewSlice(raw: unknown): SliceView {
  const slice = recordFrom(raw);
  return {
    by: textFrom(slice['by']),
    value: textFrom(slice['value']),
    examples: numberFrom(slice['examples']),
    models: mapValues(recordFrom(slice['models']), (model) => figuresFrom(recordFrom(model)['metrics'] ?? model)),
    differences: mapValues(recordFrom(slice['differences']), figuresFrom),
  };
}

/** A finding with the interval that it speaks of and the line that the interval has to keep clear of. */
export function viewFinding(finding: Finding & { readonly slice?: string }, rules: readonly Rule[], evidence: EvidenceView): FindingView {
  const { rule, passed, finding: said, slice } = finding;
  const drawing = drawingOf(finding, rules, evidence);
  return { rule, passed, finding: said, ...(slice === undefined ? {} : { slice }), ...(drawing ? { drawing } : {}) };
}

function drawingOf({ rule: title, slice }: Finding & { readonly slice?: string }, rules: readonly Rule[], evidence: EvidenceView): FindingView['drawing'] {
  const plainTitle = slice === undefined ? title : title.replace(` in ${slice} `, ' ');
  const rule = rules.find((one) => titleOf(one) === plainTitle);
  if (!rule) return undefined;
  const { metric } = rule;
  if ('value' in rule) {
    const interval = evidence.models['candidate']?.metrics[metric];
    return interval && { interval, threshold: rule.value, isDifference: false, passesBelow: rule.rule === 'atMost' };
  }
  const reference = rule.rule === 'betterThanBase' || !evidence.differences['champion'] ? 'base' : 'champion';
  const where = slice === undefined ? evidence : evidence.slices.find(({ by, value }) => slice === `${by}=${value}`);
  const interval = where?.differences[reference]?.[metric];
  const gain = 'byAtLeast' in rule ? rule.byAtLeast : -rule.byMoreThan;
  const isLower = lowerIsBetter.includes(metric);
  return interval && { interval, threshold: isLower ? -gain : gain, isDifference: true, passesBelow: isLower };
}

/** How the gate calls the rule's findings, without the slice that they may name. */
function titleOf(rule: Rule): string {
  switch (rule.rule) {
    case 'atLeast':
      return `${rule.metric} at least ${rule.value}`;
    case 'atMost':
      return `${rule.metric} at most ${rule.value}`;
    case 'betterThanBase':
      return `${rule.metric} better than base by at least ${rule.byAtLeast}`;
    default:
      return `${rule.metric} no worse than champion by more than ${rule.byMoreThan}`;
  }
}

const figuresFrom = (raw: unknown): Figures =>
  Object.fromEntries(
    Object.entries(recordFrom(raw)).flatMap(([name, figure]): [string, IntervalView][] => {
      const { point, low, high } = recordFrom(figure);
      return isNumber(point) && isNumber(low) && isNumber(high) ? [[name, { point, low, high }]] : [];
    }),
  );

const isNumber = (x: unknown): x is number => typeof x === 'number' && Number.isFinite(x);
const numberFrom = (x: unknown): number => (isNumber(x) ? x : 0);
const textFrom = (x: unknown): string => (typeof x === 'string' ? x : x === undefined ? '' : JSON.stringify(x));
const recordFrom = (x: unknown): Json => (typeof x === 'object' && x !== null && !Array.isArray(x) ? (x as Json) : {});
const listFrom = (x: unknown): readonly unknown[] => (Array.isArray(x) ? x : []);
const mapValues = <T>(from: Json, change: (value: unknown) => T): Readonly<Record<string, T>> => Object.fromEntries(Object.entries(from).map(([key, value]) => [key, change(value)]));
