/**
 * The stage table: one entry for each stage that runs as a Job, in the order of the lifecycle. It holds plain data
 * only, because workflows import it. The spec of each stage is in `domain/job/job-spec.ts`, its module in
 * `jobs/tuneline_jobs/`.
 */

/**
 * A folder that a Job may write to: its own output, the checkpoints that all its attempts share, or a cache that all
 * Jobs share.
 */
export type JobFolder = 'output' | 'checkpoints' | 'cache';

export interface JobStageFacts {
  /** The Python module of an own stage, such as `team.score`. A stage of the product is found by its name. */
  readonly module?: string | undefined;
  readonly usesGpu: boolean;
  /** The watchdog ends a long-running Job that makes no progress. The other stages take minutes, or count no steps. */
  readonly longRunning: boolean;
  /** Several nodes or processes may share the work. */
  readonly distributed: boolean;
  /** The names of the artifacts that each success leaves. */
  readonly outputs: readonly string[];
  readonly folders: readonly JobFolder[];
}

/** Stages by name. A team adds its own: `{ ...jobStages, score: { module: 'team.score', … } }`. */
export type StageTable = Readonly<Record<string, JobStageFacts>>;

export const jobStages = {
  explore: { usesGpu: false, longRunning: false, distributed: false, outputs: ['profile'], folders: ['output'] },
  prepare: { usesGpu: false, longRunning: false, distributed: false, outputs: ['dataset'], folders: ['output'] },
  tune: { usesGpu: true, longRunning: true, distributed: true, outputs: ['model'], folders: ['output', 'checkpoints'] },
  evaluate: {
    usesGpu: true,
    longRunning: true,
    distributed: false,
    outputs: ['evidence'],
    folders: ['output', 'cache'],
  },
} as const satisfies StageTable;

export type JobStage = keyof typeof jobStages;
export const jobStageNames = Object.keys(jobStages) as readonly JobStage[];

export type OutputOf<S extends JobStage> = (typeof jobStages)[S]['outputs'][number];

/** Every stage of a lifecycle, in order. The last two run no Job. */
export const lifecycleStages = [...jobStageNames, 'review', 'deploy'] as const;
export type Stage = (typeof lifecycleStages)[number];

/** The facts of a stage that runs as a Job. */
export const findStage = (name: string, stages: StageTable = jobStages): JobStageFacts | undefined => stages[name];

/** The argument of `python -m tuneline_jobs` that runs the stage. */
export const entryOf = (name: string, stages?: StageTable): string => findStage(name, stages)?.module ?? name;
