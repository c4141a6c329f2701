import { z } from 'zod';
import { jobStageNames, type JobStage } from './stages.ts';
import { judgeSchema } from '../spec/llm-judge.ts';

/**
 * The input of a Job, by stage: references only. `jobs/tuneline_jobs/runtime/job-spec.schema.json` is generated from
 * this file, so that TypeScript and Python can't diverge.
 */

const fileUri = z.string().regex(/^file:\/\/\//, 'a file:// URI');
const artifact = z.strictObject({
  uri: fileUri,
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/, 'sha256: and 64 hex digits'),
});
const modelReference = z.string().min(1).meta({ description: 'A file:// URI of a model folder, or a hub ID.' });

const common = {
  /** The folder for the outputs of this Job. */
  output: fileUri,
  /** The MLflow run that the worker opened for this Job. */
  runId: z.string().optional(),
  /** Copies the curves to Weights & Biases. The W&B run has the ID of the MLflow run. */
  wandb: z.strictObject({ project: z.string().min(1) }).optional(),
};

const data = z.strictObject({
  uri: z.string().min(1),
  input: z.array(z.string()).min(1),
  target: z.string(),
  group: z.string().optional(),
});

/** Tasks of lm-evaluation-harness, and a folder with the team's own tasks. */
const harness = z.strictObject({ tasks: z.array(z.string().min(1)).min(1), includePath: artifact.optional() });

/** The probes of garak. The program must be on the Job's PATH. */
const garak = z.strictObject({ probes: z.array(z.string().min(1)).min(1) });

const columns = z.array(z.string()).min(1);
const count = z.int().min(1);
const seed = z.int().min(0);

/** The spec of each stage in the stage table. */
const stageSpecs = {
  explore: z.strictObject({
    stage: z.literal('explore'),
    ...common,
    data,
    baseModel: modelReference,
    maxTokens: count,
    heldOutExamples: count,
    /** Explore looks these up, so that a missing task or probe is found before training. */
    harness: harness.optional(),
    garak: garak.optional(),
    seed,
  }),
  prepare: z.strictObject({
    stage: z.literal('prepare'),
    ...common,
    data,
    baseModel: modelReference,
    prompt: z.strictObject({ name: z.string(), version: z.string(), template: z.string() }),
    heldOutExamples: count,
    trainExamples: count.optional(),
    maxTokens: count,
    /** Columns that held-out examples keep in addition to the prompt. */
    keepColumns: columns.optional(),
    seed,
  }),
  tune: z.strictObject({
    stage: z.literal('tune'),
    ...common,
    dataset: artifact,
    baseModel: modelReference,
    framework: z.literal('transformers'),
    method: z.literal('lora'),
    steps: count,
    batchSize: count,
    gradientAccumulation: count,
    learningRate: z.number().positive(),
    warmupSteps: z.int().min(0),
    rank: count,
    alpha: z.number().positive(),
    dropout: z.number().min(0).max(0.9),
    targetModules: z.array(z.string()).min(1),
    maxTokens: count,
    checkpointEverySteps: count,
    /** If undefined, 1. */
    nodes: count.optional(),
    gpusPerNode: count.optional(),
    /** Kept across the attempts of one stage. */
    checkpoints: fileUri,
    seed,
  }),
  evaluate: z.strictObject({
    stage: z.literal('evaluate'),
    ...common,
    dataset: artifact,
    models: z
      .array(
        z.strictObject({ role: z.enum(['base', 'candidate', 'champion']), uri: modelReference, digest: z.string() }),
      )
      .min(1),
    examples: count,
    maxNewTokens: count,
    latencyRequests: count,
    bootstrapSamples: count,
    confidence: z.number().min(0.5).max(0.999),
    costPerHour: z.number().positive().optional(),
    /** Columns kept by `prepare`. The held-out set is sliced by their values, and always by length. */
    slices: columns.optional(),
    /** The attack suite runs only if this is given. Its texts replace the template's first column. */
    attacks: z.strictObject({ template: z.string(), input: columns }).optional(),
    /** The judge that scores whether each answer is supported. Its key is in the environment. */
    judge: judgeSchema.optional(),
    harness: harness.extend({ limit: count.optional() }).optional(),
    garak: garak.optional(),
    /** Keeps the generations of an unchanged model, by digest. */
    cache: fileUri.optional(),
    seed,
  }),
} satisfies Record<JobStage, z.ZodObject>;

type AnyJobSpecSchema = (typeof stageSpecs)[JobStage];
export const jobSpecSchema = z.discriminatedUnion(
  'stage',
  jobStageNames.map((name) => stageSpecs[name]) as [AnyJobSpecSchema, ...AnyJobSpecSchema[]],
);

export type JobSpec = z.output<typeof jobSpecSchema>;
