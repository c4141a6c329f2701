import { join } from 'node:path';
import { entryOf, type StageTable } from '../../domain/job/stages.ts';
import type { Config } from '../config.ts';

/** The command and the whole environment of a local Job's process. */
export const jobProcess = ({ folders: { home, repository }, jobEnvironment, mlflow }: Config, stages?: StageTable) => ({
  command: (stage: string): [string, ...string[]] => [
    join(home, 'tools', 'jobs', 'bin', 'python'),
    '-m',
    'tuneline_jobs',
    entryOf(stage, stages),
  ],
  env: {
    ...jobEnvironment,
    ...quietPython(home),
    PYTHONPATH: join(repository, 'jobs'),
    MLFLOW_TRACKING_URI: mlflow.trackingUri,
  },
});

/** Keeps the caches of Python and its libraries in one folder, and turns their telemetry off. */
export const quietPython = (home: string) => ({
  PYTHONPYCACHEPREFIX: join(home, 'cache', 'pycache'),
  HF_HOME: join(home, 'cache', 'huggingface'),
  ...silence,
});

export const silence = { HF_HUB_DISABLE_TELEMETRY: '1', MLFLOW_DISABLE_TELEMETRY: 'true', DO_NOT_TRACK: 'true' };
