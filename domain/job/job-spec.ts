import { z } from 'zod';
import { jobStageNames, type JobStage } from './stages.ts';
import { judgeSchema } from '../spec/llm-judge.ts';

/**
 * What a Job is told, by stage: references only. `jobs/tuneline_jobs/runtime/job-spec.schema.json` is made
 * from this file, so TypeScript and Python can't drift apart.
 */

const fileUri = z.string().regex(/^file:\/\/\//, 'a file:// URI');
const artifact = z.strictObject({
  uri: fileUri,
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/, 'sha256: and 64 hex digits'),
});
const modelReference = z.string().min(1).meta({ description: 'A file:// URI of a model folder, or a hub ID.' });

const common = {
  /** A folder this Job may write its outputs under. */
  output: fileUri,
  /** The MLflow run that the worker opened for this Job. */
  runId: z.string().optional(),
  /** Where the same curves go, too: the W&B run has the MLflow run's ID. */
  wandb: z.strictObject({ project: z.string().min(1) }).optional(),
};

const data = z.strictObject({
  uri: z.string().min(1),
  input: z.array(z.string()).min(1),
  target: z.string(),
  group: z.string().optional(),
});

/** Tasks of lm-evaluation-harness, and a folder with more of them. */
const harness = z.strictObject({ tasks: z.array(z.string().min(1)).min(1), includePath: artifact.optional() });

/** What the program garak tries; it has to be on the Job's PATH. */
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
    /** Looked up, so that a task or a probe that is not there costs no training. */
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
    /** Columns that held-out examples keep beside their prompt. */
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
    /** 1 if left out. */
    nodes: count.optional(),
    gpusPerNode: count.optional(),
    /** Outlives the attempts of one stage. */
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
    /** Columns kept by `prepare`, by whose values the held-out set is sliced; by length it always is. */
    slices: columns.optional(),
    /** The attack suite runs where this is given; its texts stand in the template's first column. */
    attacks: z.strictObject({ template: z.string(), input: columns }).optional(),
    /** Who is asked whether each answer is supported; its key is in the environment. */
    judge: judgeSchema.optional(),
    harness: harness.extend({ limit: count.optional() }).optional(),
    garak: garak.optional(),
    /** Generations of an unchanged model are kept here by digest. */
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
