import { z } from 'zod';
import { addInconsistencies } from './consistency.ts';
import { dataSchema, promptSchema } from './data-spec.ts';
import { deploySchema, name } from './deploy-spec.ts';
import { evaluateSchema } from './evaluate-spec.ts';
import { ruleSchema } from './gate-rules.ts';
import { monitorSchema, refreshSchema } from './monitor-spec.ts';
import { reviewSchema } from './review-spec.ts';
import { tuneSchema } from './tune-spec.ts';

/**
 * The one input of a lifecycle, written by a person as JSON. This schema is the only definition:
 * the type, the checked-in JSON Schema and the error messages all come from it.
 */
export const lifecycleSpecSchema = z
  .strictObject({
    $schema: z.string().optional(),
    model: name.meta({ description: 'The registered model that gains a version.' }),
    requester: z.string().min(1).max(100).optional().meta({ description: 'Who asks; the CLI fills it in.' }),
    baseModel: z.string().min(1).meta({
      description: 'packaged:SmolLM2-135M-Instruct, a folder in transformers format, or a hub ID such as org/name.',
    }),
    seed: z.int().min(0).default(7),
    data: dataSchema,
    prompt: promptSchema,
    tune: tuneSchema,
    evaluate: evaluateSchema,
    gate: z.array(ruleSchema).min(1).meta({ description: 'Every rule must pass.' }),
    review: reviewSchema.default({ by: 'gate' }),
    deploy: deploySchema,
    reuse: z
      .enum(['whenUnchanged', 'never'])
      .default('whenUnchanged')
      .meta({ description: 'Whether a stage takes the outcome of an earlier one with the same inputs and code.' }),
    skip: z.enum(['whenUnchanged', 'never']).default('never').meta({
      description:
        'Whether it ends at once where data, code, base model, prompt and settings are those that the champion came from.',
    }),
    monitor: monitorSchema.optional(),
    refresh: refreshSchema.optional(),
    tracking: z
      .array(z.enum(['mlflow', 'wandb']))
      .default(['mlflow'])
      .meta({
        description: 'Where curves and figures go: MLflow, which keeps the record, and Weights & Biases beside it.',
      }),
  })
  .superRefine(addInconsistencies);

/** A checked spec: every default filled in. */
export type LifecycleSpec = z.output<typeof lifecycleSpecSchema>;
/** The form that a person writes: fields with a default are optional. */
export type LifecycleSpecInput = z.input<typeof lifecycleSpecSchema>;
