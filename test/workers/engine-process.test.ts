import { expect, test } from '@jest/globals';
import { loadConfig } from '../../workers/config.ts';
import { engineProcess } from '../../workers/engine-process.ts';

const threadsOf = (cores: number, env: NodeJS.ProcessEnv = {}): string | undefined =>
  engineProcess(loadConfig(env), cores).env['OMP_NUM_THREADS'];

test('an engine leaves half of the cores to its neighbours, and has one at least', () => {
  expect([1, 2, 3, 16].map((cores) => threadsOf(cores))).toEqual(['1', '1', '1', '8']);
});

test('what the team decided stays', () => {
  expect(threadsOf(16, { OMP_NUM_THREADS: '12' })).toBe('12');
});
