import type { Evidence, Interval } from '../../domain/evidence.ts';
import type { Metric } from '../../domain/lifecycle-spec.ts';
import { artifact } from './artifacts.ts';

type Figures = Partial<Record<Metric, Interval>>;

export const between = (low: number, high: number): Interval => ({ point: (low + high) / 2, low, high });

/** Evidence that holds the figures given and no other; a champion takes part if a difference from it is given. */
export const evidenceOf = (given: { candidate?: Figures; fromBase?: Figures; fromChampion?: Figures }): Evidence => ({
  schema: 1,
  dataset: { digest: artifact('dataset').digest, examples: 16 },
  confidence: 0.95,
  bootstrapSamples: 2000,
  seed: 7,
  signatures: {},
  models: {
    base: { ...artifact('base'), metrics: {} },
    candidate: { ...artifact('model'), metrics: given.candidate ?? {} },
    ...(given.fromChampion ? { champion: { ...artifact('champion'), metrics: {} } } : {}),
  },
  differences: {
    base: given.fromBase ?? {},
    ...(given.fromChampion ? { champion: given.fromChampion } : {}),
  },
});
