import { z } from 'zod';

/** The metrics that Tuneline measures itself. */
const ownMetric = z.enum([
  ...([
    'bleu',
    'chrf',
    'rouge1',
    'rouge2',
    'rougeL',
    'rougeLsum',
    'exactMatch',
    'tokenF1',
    'perplexity',
    'lengthRatio',
    'repetition',
    'groundedness',
    'judgedGroundedness',
  ] as const),
  ...([
    'attackSuccessRate',
    'latencyP50Ms',
    'latencyP95Ms',
    'tokensPerSecond',
    'costPer1000Requests',
    'modelBytes',
  ] as const),
]);
export const suiteName = z.string().regex(/^[\w.-]+$/, 'a name of letters, digits, dots, dashes and underscores');
const taskMetric = z.templateLiteral(
  ['harness/', z.string().regex(/^[\w.-]+\/[\w.-]+(?:\/[\w.-]+)?$/)],
  'harness/TASK/METRIC',
);
const probeMetric = z.templateLiteral(['garak/', suiteName], 'garak/PROBE');
const measured = { description: 'A figure that the evaluate stage measures: docs/evaluation.md.' };
const metric = z.union([ownMetric, taskMetric, probeMetric]).meta(measured);

/** Metrics where more is better, or less is. Neither holds for the ratio of lengths. */
const ownDirected = ownMetric.exclude(['lengthRatio']);
const directed = z.union([ownDirected, taskMetric, probeMetric]).meta(measured);
/** Metrics that a part of the examples has; the others are measured on the whole. */
const sliced = ownDirected.exclude([
  'attackSuccessRate',
  'latencyP50Ms',
  'latencyP95Ms',
  'tokensPerSecond',
  'costPer1000Requests',
  'modelBytes',
]);
const margin = z.number().min(0).meta({ description: "In the metric's own unit." });

/** The rules that the gate decides by. */
export const ruleSchema = z.discriminatedUnion('rule', [
  z.strictObject({ rule: z.literal('atLeast'), metric, value: z.number() }),
  z.strictObject({ rule: z.literal('atMost'), metric, value: z.number() }),
  z.strictObject({ rule: z.literal('noWorseThanChampion'), metric: directed, byMoreThan: margin }),
  z.strictObject({ rule: z.literal('betterThanBase'), metric: directed, byAtLeast: margin }),
  z
    .strictObject({
      rule: z.literal('noSliceWorseThanChampion'),
      metric: sliced,
      byMoreThan: margin,
      by: z
        .string()
        .min(1)
        .optional()
        .meta({ description: 'Only slices by this column, or by "length"; all by default.' }),
    })
    .meta({
      description: 'One test for each slice of the held-out examples, so that a gain on average hides no loss.',
    }),
]);

export type Metric = z.output<typeof metric>;
export type Rule = z.output<typeof ruleSchema>;
