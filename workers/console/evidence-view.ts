import { claimsOf, isOfSuite, lowerIsBetter } from '../../domain/gate/claims.ts';
import { costMetric, type Directions, withCurrency } from '../../domain/gate/evidence.ts';
import type { Finding } from '../../domain/gate/gate.ts';
import type { Rule } from '../../domain/spec/gate-rules.ts';
import type { EvidenceView, Figures, FindingView, IntervalView, SliceView } from './views.ts';

type Json = Readonly<Record<string, unknown>>;

/** Extracts what a page can draw. Reads every schema of evidence: fields that an older schema lacks are left out. */
export function viewEvidence(raw: unknown, currency?: string): EvidenceView {
  const evidence = recordFrom(raw);
  const dataset = recordFrom(evidence['dataset']);
  const attacks = recordFrom(evidence['attacks']);
  const directions = directionsFrom(evidence['directions']);
  const suiteMetrics = Object.keys(
    recordFrom(recordFrom(recordFrom(evidence['models'])['candidate'])['metrics']),
  ).filter(isOfSuite);
  return {
    examples: numberFrom(dataset['examples']),
    datasetDigest: textFrom(dataset['digest']),
    confidence: numberFrom(evidence['confidence']),
    bootstrapSamples: numberFrom(evidence['bootstrapSamples']),
    signatures: mapValues(recordFrom(evidence['signatures']), textFrom),
    models: mapValues(recordFrom(evidence['models']), (model) => ({
      digest: textFrom(recordFrom(model)['digest']),
      metrics: figuresFrom(recordFrom(model)['metrics']),
    })),
    differences: mapValues(recordFrom(evidence['differences']), figuresFrom),
    slices: listFrom(evidence['slices']).map(viewSlice),
    ...('attacks' in evidence
      ? {
          attacks: {
            suite: textFrom(attacks['suite']),
            families: mapValues(recordFrom(attacks['families']), (family) =>
              mapValues(recordFrom(family), (tally) => ({
                attacks: numberFrom(recordFrom(tally)['attacks']),
                succeeded: numberFrom(recordFrom(tally)['succeeded']),
              })),
            ),
          },
        }
      : {}),
    directions,
    lowerIsBetter: [
      ...lowerIsBetter,
      ...Object.entries(directions).flatMap(([name, way]) => (way === 'lower' ? [name] : [])),
    ],
    boundsOnly: ['lengthRatio', ...suiteMetrics.filter((name) => !(name in directions))],
    units: currency === undefined ? {} : { [costMetric]: currency },
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

/** A finding with its interval and the threshold that the interval must clear. */
export function viewFinding(
  { rule, passed, finding, slice }: Finding,
  rules: readonly Rule[],
  evidence: EvidenceView,
): FindingView {
  const claim = rules.flatMap((one) => claimsOf(one, evidence)).find((one) => one.rule === rule);
  const drawing = claim?.figure && {
    interval: claim.figure,
    threshold: claim.bound,
    isDifference: claim.subject !== '',
    passesBelow: claim.side === 'atMost',
  };
  return { rule: withCurrency(rule, claim?.metric, evidence.units[costMetric]), passed, finding, slice, drawing };
}

const figuresFrom = (raw: unknown): Figures =>
  Object.fromEntries(
    Object.entries(recordFrom(raw)).flatMap(([name, figure]): [string, IntervalView][] => {
      const { point, low, high } = recordFrom(figure);
      return isNumber(point) && isNumber(low) && isNumber(high) ? [[name, { point, low, high }]] : [];
    }),
  );

const directionsFrom = (raw: unknown): Directions =>
  Object.fromEntries(
    Object.entries(recordFrom(raw)).flatMap(([name, way]): [string, 'higher' | 'lower'][] =>
      way === 'higher' || way === 'lower' ? [[name, way]] : [],
    ),
  );

const isNumber = (x: unknown): x is number => typeof x === 'number' && Number.isFinite(x);
const numberFrom = (x: unknown): number => (isNumber(x) ? x : 0);
const textFrom = (x: unknown = ''): string => (typeof x === 'string' ? x : JSON.stringify(x));
const recordFrom = (x: unknown): Json => (typeof x === 'object' && x !== null && !Array.isArray(x) ? (x as Json) : {});
const listFrom = (x: unknown): readonly unknown[] => (Array.isArray(x) ? x : []);
const mapValues = <T>(from: Json, change: (value: unknown) => T): Readonly<Record<string, T>> =>
  Object.fromEntries(Object.entries(from).map(([key, value]) => [key, change(value)]));
