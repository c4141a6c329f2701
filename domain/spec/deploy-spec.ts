import { z } from 'zod';
import { schemaProblem } from '../serving/answer-schema.ts';
import { servingSettingsSchema } from '../serving/serving-settings.ts';

/** Name of a model, a prompt or an endpoint. */
export const name = z
  .string()
  .regex(
    /^[a-z]([a-z0-9-]{0,39}[a-z0-9])?$/,
    'lower-case letters, digits and dashes, starting with a letter, not ending in a dash, at most 41 long',
  );

const canary = z
  .strictObject({
    steps: z
      .array(z.int().min(1).max(99))
      .max(20)
      .refine(
        (steps) => steps.every((step, i) => i === 0 || step > (steps[i - 1] ?? 0)),
        'each more than the one before',
      )
      .default([10, 50])
      .meta({
        description: 'Percents of new requests that the release gets, one step after the other; none: all at once.',
      }),
    bakeSeconds: z
      .number()
      .positive()
      .max(604_800)
      .default(60)
      .meta({ description: 'How long each step lasts before it is judged.' }),
    minimumRequests: z.int().min(0).default(0).meta({
      description:
        'A step in which the release answered fewer does not pass; it may last ten times deploy.canary.bakeSeconds.',
    }),
    maximumErrorRateIncrease: z
      .number()
      .min(0)
      .max(1)
      .default(0.02)
      .meta({ description: 'Above the current release, as a share of requests.' }),
    maximumLatencyRatio: z
      .number()
      .min(1)
      .default(1.5)
      .meta({ description: 'Of median and p95 to those of the current release.' }),
    maximumRatingLoss: z
      .number()
      .min(0)
      .max(2)
      .default(0.2)
      .meta({ description: 'Of the mean of ratings, which go from -1 to 1.' }),
  })
  .meta({
    description:
      'A release gets traffic by steps, and is taken back where it is shown to be worse than the one before.',
  });

const pattern = z.string().min(1).refine(isPattern, 'a regular expression, such as ^[A-Z]').optional();

const qa = z
  .strictObject({
    examples: z
      .int()
      .min(1)
      .max(1000)
      .default(8)
      .meta({ description: 'So many held-out prompts have to be answered.' }),
    attacks: z.int().min(0).max(1000).default(0).meta({
      description:
        'So many attacks that the candidate withstood when it was evaluated it has to withstand as it is served.',
    }),
    golden: z
      .array(z.strictObject({ prompt: z.string().min(1), matches: pattern, doesNotMatch: pattern }))
      .max(100)
      .default([])
      .meta({ description: 'What its answers to these prompts must look like.' }),
    schema: z
      .record(z.string(), z.unknown())
      .superRefine((schema, context) => {
        const problem = schemaProblem(schema);
        if (problem !== undefined)
          context.addIssue({
            code: 'custom',
            message: `a JSON Schema that answers can be held against, but: ${problem}`,
          });
      })
      .optional()
      .meta({ description: 'A JSON Schema. The answers to held-out and golden prompts have to be JSON that fits it.' }),
  })
  .meta({ description: 'What a release is asked before it gets traffic.' });

const objective = z
  .strictObject({
    latencyP95Ms: z.number().positive().optional(),
    errorRate: z.number().min(0).max(1).default(0),
    tokensPerSecond: z.number().positive().optional().meta({ description: 'Of all requests together.' }),
    requests: z.int().min(1).max(100_000).default(32),
    concurrency: z.int().min(1).max(1000).default(4),
    maxTokens: z.int().min(1).max(4096).default(32),
  })
  .meta({ description: 'What a load test has to show before the release gets traffic.' });

/** The steps by which a release gets an endpoint's traffic. */
export const deploySchema = z.strictObject({
  endpoint: name.meta({ description: 'The name that clients call.' }),
  serving: servingSettingsSchema.optional(),
  canary: canary.prefault({}),
  qa: qa.prefault({}),
  objective: objective.optional(),
});

function isPattern(text: string): boolean {
  try {
    return new RegExp(text, 'u') instanceof RegExp;
  } catch {
    return false;
  }
}

export type DeploySpec = z.output<typeof deploySchema>;
export type CanaryRules = z.output<typeof canary>;
export type Objective = z.output<typeof objective>;
