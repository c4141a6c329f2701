import { draws, type Json } from './console-draws.ts';

export const lossCurve = (steps = 60, seed = 5) => {
  const next = draws(seed);
  return Array.from({ length: steps }, (_, step) => ({
    step: step + 1,
    value: Number((1.1 + 2.6 * Math.exp(-step / 14) + (next() - 0.5) * 0.22).toFixed(3)),
  }));
};

export const profileOf = (): Json => ({
  schema: 1,
  rows: 2000,
  columns: {
    package: { missing: 0, empty: 0 },
    description: { missing: 0, empty: 3 },
    synopsis: { missing: 2, empty: 0 },
  },
  lengths: {
    inputTokens: {
      p5: 18,
      p50: 74,
      p95: 211,
      max: 540,
      binWidth: 28,
      histogram: [180, 420, 510, 360, 210, 130, 80, 45, 25, 14, 9, 6, 4, 3, 1, 1, 0, 1, 0, 1],
    },
    targetTokens: {
      p5: 4,
      p50: 9,
      p95: 16,
      max: 27,
      binWidth: 2,
      histogram: [0, 40, 190, 420, 530, 390, 220, 120, 50, 25, 10, 4, 0, 1],
    },
    maxTokens: 192,
    aboveMaxTokens: 0.063,
  },
  exactDuplicates: { count: 12, examples: [] },
  nearDuplicates: { count: 148, examples: [] },
  leakage: { nearDuplicateClusters: 21, groups: 1630, largestGroup: 14, leakingGroups: 37, examples: [] },
  personalData: { email: { count: 9, rows: [] }, phone: { count: 0, rows: [] } },
  promptInjection: { 'ignore previous': { count: 1, rows: [] } },
  targets: {
    distinct: 1960,
    repeated: 40,
    mostCommon: [
      { text: 'documentation', count: 6 },
      { text: '<b>shared library</b>', count: 4 },
    ],
  },
});
