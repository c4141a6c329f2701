import type { Difference, Evidence, Figure, Slice } from '../../domain/gate/evidence.ts';
import type { Metric } from '../../domain/spec/gate-rules.ts';
import { artifact } from './artifacts.ts';

type Figures = Partial<Record<Metric, Figure>>;
type Differences = Partial<Record<Metric, Difference>>;

/** Levels with the scores of a standard normal distribution; mirrored, the upper half. */
const lower = [
  [0.00001, -4.2649],
  [0.0005, -3.2905],
  [0.001, -3.0902],
  [0.0025, -2.807],
  [0.005, -2.5758],
  [0.00625, -2.4977],
  [0.025 / 3, -2.394],
  [0.0125, -2.2414],
  [0.025, -1.96],
  [0.05, -1.6449],
  [0.25, -0.6745],
] as const;
const upper = lower.map(([level, score]) => [1 - level, -score] as const).toReversed();

export const levels: readonly number[] = [...lower.map(([level]) => level), 0.5, ...upper.map(([level]) => level)];
const scores: readonly number[] = [...lower.map(([, score]) => score), 0, ...upper.map(([, score]) => score)];

/** A normal figure with this 95 % interval, whose ends are its limits at 0.025. */
export const between = (low: number, high: number): Figure => {
  const point = (low + high) / 2;
  const standardError = (high - low) / 2 / 1.96;
  const quantiles = scores.map((score) => point + (score / 1.96) * ((high - low) / 2));
  return { point, low, high, standardError, quantiles };
};

export const exactly = (value: number): Figure => ({
  point: value,
  low: value,
  high: value,
  standardError: 0,
  quantiles: levels.map(() => value),
});

interface Given {
  readonly candidate?: Figures;
  readonly fromBase?: Differences;
  readonly fromChampion?: Differences;
  readonly slices?: readonly Slice[];
}

/** Evidence that holds the figures given and no other; a champion takes part if a difference from it is given. */
export const evidenceOf = (given: Given): Evidence => ({
  schema: 1,
  dataset: { digest: artifact('dataset').digest, examples: 16 },
  confidence: 0.95,
  bootstrapSamples: 2000,
  seed: 7,
  signatures: {},
  levels,
  models: {
    base: { ...artifact('base'), metrics: {} },
    candidate: { ...artifact('model'), metrics: given.candidate ?? {} },
    ...(given.fromChampion ? { champion: { ...artifact('champion'), metrics: {} } } : {}),
  },
  differences: {
    base: given.fromBase ?? {},
    ...(given.fromChampion ? { champion: given.fromChampion } : {}),
  },
  slices: given.slices ?? [],
});

/** A slice by length of so many examples, in which these are the differences from the champion. */
export const sliceOf = (value: string, fromChampion: Differences, by = 'length'): Slice => ({
  by,
  value,
  examples: 8,
  models: {},
  differences: { champion: fromChampion },
});
