import { join } from 'node:path';
import type { EngineCommand } from '../local/engine.ts';
import type { Config } from './config.ts';
import { quietPython } from './jobs/job-process.ts';

/**
 * The command and the whole environment of a local engine. An `OMP_NUM_THREADS` in the environment wins over the
 * default.
 */
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
  // Half of the cores, because another engine or a training Job runs beside it. If each had one thread per core, both
  // would slow down.
  env: {
    OMP_NUM_THREADS: String(Math.max(1, Math.floor(cores / 2))),
    ...jobEnvironment,
    ...quietPython(home),
    HF_HUB_OFFLINE: '1',
  },
});
