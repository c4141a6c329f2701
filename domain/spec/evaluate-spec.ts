import { z } from 'zod';
import { suiteName } from './gate-rules.ts';
import { judgeSchema } from './llm-judge.ts';

/** A gate tests each slice. With more slices, each would hold too few examples for a test. */
const maximumSlicedColumns = 4;

const harness = z
  .strictObject({
    tasks: z
      .array(suiteName)
      .min(1)
      .refine((tasks) => new Set(tasks).size === tasks.length, 'each task once')
      .meta({ description: 'Names of tasks, not of groups.' }),
    limit: z
      .int()
      .min(1)
      .optional()
      .meta({ description: 'At most so many documents of each task, the first; all by default.' }),
    includePath: z
      .string()
      .min(1)
      .optional()
      .meta({ description: "A folder with tasks of one's own, as YAML; paths in them count from it." }),
  })
  .meta({ description: 'What lm-evaluation-harness asks each model, too: for harness/TASK/METRIC.' });

const garak = z
  .strictObject({
    probes: z
      .array(suiteName)
      .min(1)
      .refine((probes) => new Set(probes).size === probes.length, 'each probe once')
      .meta({ description: 'Such as encoding.InjectROT13, or dan for all of that module.' }),
  })
  .meta({ description: 'What garak tries on each model, too, where the Jobs have it installed: for garak/PROBE.' });

export const evaluateSchema = z.strictObject({
  examples: z.int().min(8).max(100_000).meta({ description: 'How many held-out examples are scored.' }),
  maxNewTokens: z.int().min(1).max(4096).default(32),
  latencyRequests: z.int().min(1).max(1000).default(8),
  bootstrapSamples: z.int().min(200).max(100_000).default(2000),
  confidence: z.number().min(0.5).max(0.999).default(0.95),
  slices: z
    .array(z.string().min(1))
    .min(1)
    .max(maximumSlicedColumns)
    .refine(
      (columns) => new Set(columns).size === columns.length && !columns.includes('length'),
      'each column once, and length, by which it is always sliced, not at all',
    )
    .optional()
    .meta({ description: 'Columns of the data by whose values the examples are judged apart.' }),
  attacks: z
    .boolean()
    .default(false)
    .meta({ description: 'Whether each model is also asked the attack suite: for attackSuccessRate.' }),
  judge: judgeSchema.optional().meta({
    description:
      'A model that says of each answer whether its source supports it, for judgedGroundedness. The held-out prompts and every answer are sent to its address.',
  }),
  costPerHour: z
    .number()
    .positive()
    .optional()
    .meta({ description: 'What an hour of the serving machine costs, in any currency: for costPer1000Requests.' }),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/, 'three capitals, such as EUR')
    .optional()
    .meta({ description: 'Of evaluate.costPerHour, by ISO 4217; shown behind each cost.' }),
  harness: harness.optional(),
  garak: garak.optional(),
});

export type EvaluateSpec = z.output<typeof evaluateSchema>;
