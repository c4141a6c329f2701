import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildCacheFolder, makeBuildCache } from './build-cache.ts';
import { afterRun, orderForCi, type RunsSince } from './choose-suites.ts';
import type { SuiteResult, SuiteRunner } from './run-suites.ts';
import { runSuites } from './run-suites.ts';
import { buildSeconds, suites, type Suite } from './suites.ts';

export const deepSuites = suites.filter(({ group }) => group !== 'default');

const remembered = 'runs-since.json';

export interface DeepRun {
  readonly results: readonly SuiteResult[];
  readonly leftOut: readonly string[];
}

/** Runs the deep suites that can be expected to end by then, the ones that CI needs most first; remembers which ran. */
export async function runDeepUntil(deadlineMs: number, runner: SuiteRunner): Promise<DeepRun> {
  const cache = await makeBuildCache();
  const since = JSON.parse(await readFile(join(cache, remembered), 'utf8').catch(() => '{}')) as RunsSince;
  const ordered = orderForCi(deepSuites, changedFiles(runner.folders.repository), since);
  const mayStart = (suite: Suite): boolean => Date.now() + expectedSeconds(suite) * 1000 <= deadlineMs;
  const results = await runSuites(ordered, { ...runner, mayStart });
  const ran = new Set(results.map(({ name }) => name));
  await writeFile(join(cache, remembered), JSON.stringify(afterRun(deepSuites, ran, since)));
  return { results, leftOut: ordered.map(({ name }) => name).filter((name) => !ran.has(name)) };
}

const expectedSeconds = ({ seconds, builds = [] }: Suite): number =>
  seconds +
  builds
    .filter((program) => !existsSync(join(buildCacheFolder(), program)))
    .reduce((total, program) => total + buildSeconds[program], 0);

/** Files that the commits of the last day touched. */
function changedFiles(repository: string): string[] {
  const log = ['-C', repository, 'log', '--since=1.day', '--name-only', '--format='];
  return spawnSync('git', log, { encoding: 'utf8' })
    .stdout.split('\n')
    .filter((line) => line !== '');
}
