import { join } from 'node:path';
import type { EngineCommand } from '../local/engine.ts';
import type { Config } from './config.ts';
import { quietPython } from './jobs/job-process.ts';

/** How a local engine is started, and the whole environment it sees; `OMP_NUM_THREADS`, where it is set, is taken as decided. */
export const engineProcess = (
  { folders: { home }, jobEnvironment }: Pick<Config, 'folders' | 'jobEnvironment'>,
  cores: number,
): EngineCommand => ({
  command: (modelName, port) => [
    join(home, 'tools', 'jobs', 'bin', 'transformers'),
    'serve',
    modelName,
    '--host',
    '127.0.0.1',
    '--port',
    String(port),
  ],
  // It has a neighbour, the release beside it or a Job that trains: where each has a thread for every core, all wait for each other.
  env: {
    OMP_NUM_THREADS: String(Math.max(1, Math.floor(cores / 2))),
    ...jobEnvironment,
    ...quietPython(home),
    HF_HUB_OFFLINE: '1',
  },
});
