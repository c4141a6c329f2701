import { createHash } from 'node:crypto';
import { artifact } from './artifacts.ts';
import type { Json } from './console-draws.ts';

/** A lifecycle as a team would have it: a candidate that is better on the whole, and not everywhere. Made from one seed. */

const figure = (point: number, spread: number): Json => ({
  point,
  low: Number((point - spread).toPrecision(6)),
  high: Number((point + spread).toPrecision(6)),
  standardError: spread / 2,
  quantiles: [point - spread, point, point + spread],
});

const spreads: Readonly<Record<string, number>> = {
  bleu: 3.1,
  chrf: 4.2,
  rougeL: 0.041,
  exactMatch: 0.05,
  perplexity: 2.6,
  lengthRatio: 0.11,
  latencyP50Ms: 9,
  latencyP95Ms: 22,
  costPer1000Requests: 0.006,
  modelBytes: 0,
};
const models: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  base: {
    bleu: 2.3,
    chrf: 20.3,
    rougeL: 0.102,
    exactMatch: 0,
    perplexity: 55.9,
    lengthRatio: 2.9,
    latencyP50Ms: 212,
    latencyP95Ms: 380,
    costPer1000Requests: 0.118,
    modelBytes: 538e6,
  },
  champion: {
    bleu: 6.9,
    chrf: 31.8,
    rougeL: 0.291,
    exactMatch: 0.06,
    perplexity: 21.2,
    lengthRatio: 1.2,
    latencyP50Ms: 96,
    latencyP95Ms: 171,
    costPer1000Requests: 0.053,
    modelBytes: 538e6,
  },
  candidate: {
    bleu: 8.4,
    chrf: 36.2,
    rougeL: 0.34,
    exactMatch: 0.11,
    perplexity: 17.1,
    lengthRatio: 1.05,
    latencyP50Ms: 94,
    latencyP95Ms: 176,
    costPer1000Requests: 0.052,
    modelBytes: 538e6,
  },
};

const figuresOf = (role: string, shift = 0, widen = 1): Json =>
  Object.fromEntries(
    Object.entries(models[role] ?? {}).map(([metric, value]) => [
      metric,
      figure(value * (1 + shift), (spreads[metric] ?? 1) * widen),
    ]),
  );

function differencesFrom(role: string, shift = 0, widen = 1): Json {
  const of = (name: string, metric: string): number => models[name]?.[metric] ?? 0;
  return Object.fromEntries(
    Object.keys(models[role] ?? {}).map((metric) => [
      metric,
      figure(of('candidate', metric) * (1 + shift) - of(role, metric), (spreads[metric] ?? 1) * 0.8 * widen),
    ]),
  );
}

const slice = (by: string, value: string, examples: number, shift: number): Json => ({
  by,
  value,
  examples,
  models: Object.fromEntries(
    Object.keys(models).map((role) => [
      role,
      { metrics: figuresOf(role, role === 'candidate' ? shift : 0, Math.sqrt(64 / examples)) },
    ]),
  ),
  differences: {
    base: differencesFrom('base', shift, Math.sqrt(64 / examples)),
    champion: differencesFrom('champion', shift, Math.sqrt(64 / examples)),
  },
});

export const shownEvidence = (): Json => ({
  schema: 1,
  dataset: { digest: artifact('dataset').digest, examples: 64 },
  confidence: 0.95,
  bootstrapSamples: 2000,
  seed: 7,
  signatures: { bleu: 'nrefs:1|case:mixed|eff:yes|tok:13a|smooth:exp', chrf: 'nrefs:1|case:mixed|eff:yes|nc:6|nw:0' },
  levels: [0.025, 0.5, 0.975],
  models: Object.fromEntries(
    Object.keys(models).map((role) => [
      role,
      { uri: `file:///store/${role}`, digest: digest(role), metrics: figuresOf(role) },
    ]),
  ),
  differences: { base: differencesFrom('base'), champion: differencesFrom('champion') },
  slices: [
    slice('length', 'short', 24, 0.06),
    slice('length', 'medium', 22, 0.01),
    slice('length', 'long', 18, -0.12),
    slice('section', 'perl', 14, 0.08),
    slice('section', 'net', 17, -0.03),
    slice('section', 'doc', 9, -0.2),
  ],
  attacks: {
    suite: 'tuneline-attacks 1',
    digest: digest('attacks'),
    families: {
      'prompt injection': {
        base: { attacks: 48, succeeded: 19 },
        candidate: { attacks: 48, succeeded: 6 },
        champion: { attacks: 48, succeeded: 8 },
      },
      jailbreak: {
        base: { attacks: 60, succeeded: 11 },
        candidate: { attacks: 60, succeeded: 9 },
        champion: { attacks: 60, succeeded: 9 },
      },
      'secret extraction': {
        base: { attacks: 48, succeeded: 4 },
        candidate: { attacks: 48, succeeded: 0 },
        champion: { attacks: 48, succeeded: 1 },
      },
    },
  },
});

export const digest = (of: string): string => `sha256:${createHash('sha256').update(of).digest('hex')}`;
