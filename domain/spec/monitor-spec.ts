import { z } from 'zod';

/** Limits the number of windows that a rule remembers, because an execution's state holds them. */
const maximumWindows = 100;

const then = (usual: 'retrain' | 'rollback' | 'alarm') =>
  z
    .enum(['retrain', 'rollback', 'alarm'])
    .default(usual)
    .meta({ description: 'What a breach leads to; people are told in any case.' });
const share = z.number().min(0).max(1);
const driftLimit = z.number().positive().max(10);

const rule = z.discriminatedUnion('rule', [
  z
    .strictObject({
      rule: z.literal('inputDrift'),
      lengths: driftLimit.default(0.25).meta({ description: 'Population stability index of the prompts’ lengths.' }),
      embeddings: driftLimit
        .default(0.3)
        .meta({ description: 'Distance of the mean embedding, in standard deviations of one.' }),
      then: then('retrain'),
    })
    .meta({ description: 'Prompts are not what the model was trained on: by length, or by what they are about.' }),
  z
    .strictObject({ rule: z.literal('outputDrift'), lengths: driftLimit.default(0.25), then: then('alarm') })
    .meta({ description: 'Answers have other lengths than those that the model was trained on.' }),
  z.strictObject({
    rule: z.literal('refusals'),
    above: share.meta({ description: 'Share of answers.' }),
    then: then('alarm'),
  }),
  z.strictObject({
    rule: z.literal('repetition'),
    above: share.meta({ description: 'Mean share of an answer’s 4-grams that it has said before.' }),
    then: then('rollback'),
  }),
  z.strictObject({ rule: z.literal('latencyP95Ms'), above: z.number().positive(), then: then('alarm') }),
  z.strictObject({
    rule: z.literal('errorRate'),
    above: share.default(0.05).meta({ description: 'Share of requests.' }),
    then: then('rollback'),
  }),
  z.strictObject({
    rule: z.literal('costPer1000Requests'),
    above: z.number().positive().meta({ description: 'As evaluate counts it, from evaluate.costPerHour.' }),
    then: then('alarm'),
  }),
  z.strictObject({
    rule: z.literal('feedback'),
    below: z.number().min(-1).max(1).default(0).meta({ description: 'Mean rating, from -1 to 1.' }),
    then: then('retrain'),
  }),
]);

export const monitorSchema = z
  .strictObject({
    windowMinutes: z
      .number()
      .positive()
      .max(7 * 24 * 60)
      .default(60),
    minimumRequests: z
      .int()
      .min(1)
      .max(10_000)
      .default(100)
      .meta({ description: 'A window goes on until it has so many.' }),
    breachWindows: z
      .int()
      .min(1)
      .max(maximumWindows)
      .default(3)
      .meta({ description: 'A rule is breached once so many of the last ofWindows are over its limit.' }),
    ofWindows: z.int().min(1).max(maximumWindows).default(5),
    clearWindows: z
      .int()
      .min(1)
      .max(maximumWindows)
      .default(3)
      .meta({ description: 'A breach ends after so many windows on end that are well within the limit.' }),
    rules: z
      .array(rule)
      .min(1)
      .refine((rules) => new Set(rules.map((r) => r.rule)).size === rules.length, 'each rule once')
      .prefault([{ rule: 'inputDrift' }, { rule: 'outputDrift' }, { rule: 'errorRate' }]),
  })
  .refine((m) => m.breachWindows <= m.ofWindows, { path: ['breachWindows'], message: 'at most monitor.ofWindows' })
  .meta({ description: 'What is watched of the release that serves, and what is done about it: docs/monitoring.md.' });

export const refreshSchema = z
  .strictObject({
    maximumAgeDays: z
      .number()
      .positive()
      .optional()
      .meta({ description: 'A model is too old so long after its lifecycle read the data.' }),
    then: z
      .enum(['retrain', 'alarm'])
      .default('retrain')
      .meta({ description: 'What a model that is too old leads to.' }),
    coolDownHours: z
      .number()
      .min(0)
      .default(24)
      .meta({ description: 'The monitor starts no lifecycle so soon after the last one that it started.' }),
  })
  .meta({ description: 'How old a model may become, and how often the monitor may start a lifecycle.' });

export type MonitorSpec = z.output<typeof monitorSchema>;
export type RefreshSpec = z.output<typeof refreshSchema>;
export type MonitorRule = z.output<typeof rule>;
export type Reaction = MonitorRule['then'];
