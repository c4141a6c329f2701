import type { JobStageFacts, StageTable } from '../../domain/job/stages.ts';

/** A stage of the benchmarks' own: it counts how many Jobs came before, and does nothing else. */
export const noopStage: JobStageFacts = {
  module: 'bench.noop',
  usesGpu: false,
  longRunning: false,
  distributed: false,
  outputs: [],
  folders: [],
};

/** One name for each step, because a Job is named after its stage. */
export const noopSteps = ['noop-1', 'noop-2', 'noop-3', 'noop-4', 'noop-5'] as const;

export const noopStages: StageTable = Object.fromEntries(noopSteps.map((step) => [step, noopStage]));
