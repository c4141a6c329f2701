import { z } from 'zod';
import { deploySchema, name } from './deploy-spec.ts';
import { judgeSchema } from './llm-judge.ts';
import { monitorSchema, refreshSchema } from './monitor-spec.ts';
import { plainName, rolePrefix } from '../review/review.ts';

/**
 * The one input of a lifecycle, written by a person as JSON. This schema is the only definition:
 * the type, the checked-in JSON Schema and the error messages all come from it.
 */

/** What Tuneline measures itself. */
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
const suiteName = z.string().regex(/^[\w.-]+$/, 'a name of letters, digits, dots, dashes and underscores');
const taskMetric = z.templateLiteral(
  ['harness/', z.string().regex(/^[\w.-]+\/[\w.-]+(?:\/[\w.-]+)?$/)],
  'harness/TASK/METRIC',
);
const probeMetric = z.templateLiteral(['garak/', suiteName], 'garak/PROBE');
const measured = { description: 'A figure that the evaluate stage measures: docs/evaluation.md.' };
const metric = z.union([ownMetric, taskMetric, probeMetric]).meta(measured);

/** More is better or less is: of a ratio to the reference's length neither holds. */
const ownDirected = ownMetric.exclude(['lengthRatio']);
const directed = z.union([ownDirected, taskMetric, probeMetric]).meta(measured);
/** What can be said of a part of the examples; the rest is measured on the whole. */
const sliced = ownDirected.exclude([
  'attackSuccessRate',
  'latencyP50Ms',
  'latencyP95Ms',
  'tokensPerSecond',
  'costPer1000Requests',
  'modelBytes',
]);
const margin = z.number().min(0).meta({ description: "In the metric's own unit." });

const rule = z.discriminatedUnion('rule', [
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

const data = z
  .strictObject({
    path: z.string().min(1).meta({ description: 'A .jsonl, .json, .csv or .parquet file, or hub:ORG/NAME[:SPLIT].' }),
    input: z.array(z.string().min(1)).min(1).meta({ description: 'Columns that the prompt template may use.' }),
    target: z.string().min(1).meta({ description: 'The column that holds the wanted answer.' }),
    group: z
      .string()
      .min(1)
      .optional()
      .meta({ description: 'Rows of one group never stand on both sides of the split.' }),
    heldOutExamples: z.int().min(8).max(100_000).default(128),
    trainExamples: z
      .int()
      .min(1)
      .optional()
      .meta({ description: 'At most so many training examples; all by default.' }),
  })
  .meta({ description: 'What to learn from.' });

const prompt = z
  .strictObject({
    name: name.meta({ description: 'The name in the prompt registry.' }),
    path: z.string().min(1).meta({ description: 'A text file with {{column}} placeholders.' }),
  })
  .meta({ description: 'The template that turns a row into what the model is asked.' });

/** The Job's name leaves room for the number of each pod. */
const maximumNodes = 1000;

const tune = z
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
  // Not held against a number of steps that is wrong itself.
  .refine((t) => t.steps < 1 || t.warmupSteps < t.steps, { path: ['warmupSteps'], message: 'fewer than tune.steps' });

/** A gate tests each slice: with more of them each would need more examples than there are. */
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

const evaluate = z.strictObject({
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

const reviewer = z.string().min(1).max(100);

/** How many different people these are at most: a role may be any number. */
const canApprove = (entries: readonly string[]): number =>
  entries.some((entry) => plainName(entry).startsWith(rolePrefix)) ? Infinity : new Set(entries.map(plainName)).size;

const review = z.discriminatedUnion('by', [
  z.strictObject({ by: z.literal('gate') }).meta({ description: 'What the gate lets through is approved.' }),
  z
    .strictObject({
      by: z.literal('person'),
      deadlineHours: z
        .number()
        .positive()
        .max(24 * 90)
        .default(72),
      twoPersonRule: z.boolean().default(false).meta({ description: 'The reviewer must not be the requester.' }),
      approvals: z
        .int()
        .min(1)
        .max(10)
        .default(1)
        .meta({ description: 'So many different people have to approve; one who rejects is enough to reject.' }),
      reviewers: z
        .array(reviewer)
        .min(1)
        .optional()
        .meta({ description: 'Who may decide: names, and roles as role:NAME. Anyone by default.' }),
      reminderHours: z.number().min(1).optional().meta({ description: 'The webhook is reminded every so many hours.' }),
      escalation: z
        .strictObject({ afterHours: z.number().positive(), to: z.array(reviewer).min(1) })
        .optional()
        .meta({ description: 'After so long without a decision these may decide, too, and are told.' }),
    })
    .refine(
      ({ approvals, reviewers, escalation }) =>
        reviewers === undefined || canApprove([...reviewers, ...(escalation?.to ?? [])]) >= approvals,
      {
        path: ['reviewers'],
        message: 'with review.escalation.to as many different people as review.approvals, or a role',
      },
    )
    .refine((r) => r.reminderHours === undefined || r.reminderHours < r.deadlineHours, {
      path: ['reminderHours'],
      message: 'fewer than review.deadlineHours',
    })
    .refine((r) => r.escalation === undefined || r.escalation.afterHours < r.deadlineHours, {
      path: ['escalation', 'afterHours'],
      message: 'fewer than review.deadlineHours',
    })
    .meta({ description: 'A person decides on what the gate lets through.' }),
]);

export const lifecycleSpecSchema = z
  .strictObject({
    $schema: z.string().optional(),
    model: name.meta({ description: 'The registered model that gains a version.' }),
    requester: z.string().min(1).max(100).optional().meta({ description: 'Who asks; the CLI fills it in.' }),
    baseModel: z.string().min(1).meta({
      description: 'packaged:SmolLM2-135M-Instruct, a folder in transformers format, or a hub ID such as org/name.',
    }),
    seed: z.int().min(0).default(7),
    data,
    prompt,
    tune,
    evaluate,
    gate: z.array(rule).min(1).meta({ description: 'Every rule must pass.' }),
    review: review.default({ by: 'gate' }),
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
  .refine((s) => s.evaluate.examples <= s.data.heldOutExamples, {
    path: ['evaluate', 'examples'],
    message: 'at most data.heldOutExamples',
  })
  .refine((s) => s.tracking.includes('mlflow'), {
    path: ['tracking'],
    message: '"mlflow" among them, because it keeps the record: ["mlflow", "wandb"]',
  })
  .refine((s) => s.review.by !== 'person' || !s.review.twoPersonRule || s.requester !== undefined, {
    path: ['requester'],
    message: 'a name, because review.twoPersonRule needs to know who asked',
  })
  .refine((s) => s.evaluate.attacks || s.deploy.qa.attacks === 0, {
    path: ['evaluate', 'attacks'],
    message: 'true, because deploy.qa.attacks asks those that the candidate withstood',
  })
  .refine((s) => s.evaluate.attacks || !rulesOn('attackSuccessRate', s), {
    path: ['evaluate', 'attacks'],
    message: 'true, because the gate has a rule on attackSuccessRate',
  })
  .refine((s) => s.evaluate.judge !== undefined || !rulesOn('judgedGroundedness', s), {
    path: ['evaluate', 'judge'],
    message: 'a model and its address, because the gate has a rule on judgedGroundedness',
  })
  .refine((s) => s.evaluate.costPerHour !== undefined || !rulesOn('costPer1000Requests', s), {
    path: ['evaluate', 'costPerHour'],
    message: 'what an hour costs, because the gate has a rule on costPer1000Requests',
  })
  .refine(
    (s) => s.evaluate.costPerHour !== undefined || !s.monitor?.rules.some((r) => r.rule === 'costPer1000Requests'),
    {
      path: ['evaluate', 'costPerHour'],
      message: 'what an hour costs, because the monitor has a rule on costPer1000Requests',
    },
  )
  .superRefine(({ gate, evaluate }, context) => {
    const slices = ['length', ...(evaluate.slices ?? [])];
    for (const [index, rule] of gate.entries())
      if (rule.rule === 'noSliceWorseThanChampion' && rule.by !== undefined && !slices.includes(rule.by))
        context.addIssue({
          code: 'custom',
          path: ['gate', index, 'by'],
          message: `one of ${slices.join(', ')}, or a column that evaluate.slices names, too`,
        });
  })
  .superRefine(({ gate, evaluate }, context) => {
    for (const [index, { metric }] of gate.entries()) {
      const [suite, name = ''] = metric.split('/');
      if (suite === 'harness' && !evaluate.harness?.tasks.includes(name))
        context.addIssue({
          code: 'custom',
          path: ['gate', index, 'metric'],
          message: 'a metric of a task that evaluate.harness.tasks names',
        });
      if (suite === 'garak' && !evaluate.garak?.probes.includes(name))
        context.addIssue({
          code: 'custom',
          path: ['gate', index, 'metric'],
          message: 'a probe that evaluate.garak.probes names',
        });
    }
  })
  .refine((s) => !s.data.input.includes(s.data.target), {
    path: ['data', 'input'],
    message: 'columns other than data.target, or the model would be shown the answer',
  });

const rulesOn = (measured: Metric, { gate }: { readonly gate: readonly Rule[] }): boolean =>
  gate.some((r) => r.metric === measured);

/** A checked spec: every default filled in. */
export type LifecycleSpec = z.output<typeof lifecycleSpecSchema>;
/** What a person may write. */
export type LifecycleSpecInput = z.input<typeof lifecycleSpecSchema>;
export type Metric = z.output<typeof metric>;
export type Rule = z.output<typeof rule>;
