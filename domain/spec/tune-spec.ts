import { z } from 'zod';

/** Limits the number of a pod to three digits: a Job's name leaves room for no more. */
const maximumNodes = 1000;

export const tuneSchema = z
  .strictObject({
    framework: z.literal('transformers').default('transformers').meta({ description: 'What trains.' }),
    method: z.literal('lora').default('lora'),
    steps: z.int().min(1).max(1_000_000).meta({ description: 'Optimizer steps.' }),
    batchSize: z.int().min(1).max(1024).default(4),
    gradientAccumulation: z.int().min(1).max(4096).default(1),
    learningRate: z.number().positive().max(1).default(5e-4),
    warmupSteps: z.int().min(0).default(0),
    rank: z.int().min(1).max(1024).default(8),
    alpha: z.number().positive().default(16),
    dropout: z.number().min(0).max(0.9).default(0.05),
    targetModules: z.array(z.string().min(1)).min(1).default(['q_proj', 'k_proj', 'v_proj', 'o_proj']),
    maxTokens: z.int().min(16).max(1_000_000).default(256),
    checkpointEverySteps: z.int().min(1).default(10),
    maximumSeconds: z.int().min(1).default(86_400).meta({ description: 'The Job is stopped after so long.' }),
    nodes: z
      .int()
      .min(1)
      .max(maximumNodes)
      .default(1)
      .meta({ description: 'Machines that train together; they share each batch.' }),
  })
  // Do not compare with an invalid number of steps: that has an error of its own.
  .refine((t) => t.steps < 1 || t.warmupSteps < t.steps, { path: ['warmupSteps'], message: 'fewer than tune.steps' });
