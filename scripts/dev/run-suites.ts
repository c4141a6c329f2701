import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Folders } from '../../workers/config.ts';
import { quietPython } from '../../workers/jobs/job-process.ts';
import { noTests, sum, type Counts } from './counts.ts';
import type { Suite } from './suites.ts';

export interface SuiteResult extends Counts {
  readonly name: string;
  readonly seconds: number;
  /** Why the suite counts as failed where none of its tests did. */
  readonly broke?: string | undefined;
}

export interface SuiteRunner {
  readonly folders: Folders;
  readonly env: Readonly<Record<string, string>>;
  /** Asked before each suite; one that is refused is left out. Takes all by default. */
  readonly mayStart?: ((suite: Suite) => boolean) | undefined;
}

/** Runs suites in two lanes, in the order given; what they print goes to stderr. */
export async function runSuites(suites: readonly Suite[], runner: SuiteRunner): Promise<readonly SuiteResult[]> {
  const results: SuiteResult[] = [];
  const services = await startSharedServices(runner);
  const runLane = async (lane: Suite['lane']): Promise<void> => {
    for (const suite of suites.filter((one) => one.lane === lane)) {
      if (runner.mayStart?.(suite) === false) continue;
      results.push(await runSuite(suite, runner, services.url));
    }
  };
  try {
    await Promise.all([runLane('computes'), runLane('waits')]);
  } finally {
    await services.stop();
  }
  return results;
}

/** One line for each suite, longest first, and the sum. */
export function summarize(results: readonly SuiteResult[]): {
  readonly lines: readonly string[];
  readonly counts: Counts;
} {
  const bySeconds = results.toSorted((a, b) => b.seconds - a.seconds);
  const lines = bySeconds.map(({ name, passed, failed, seconds, broke }) => {
    const counted = `${name}: ${passed} passed, ${failed} failed, ${Math.round(seconds)} s`;
    return broke ? `${counted}; ${broke}` : counted;
  });
  return { lines, counts: results.reduce(sum, noTests) };
}

async function runSuite(suite: Suite, runner: SuiteRunner, servicesUrl: string): Promise<SuiteResult> {
  const startedAt = performance.now();
  const folder = await mkdtemp(join(tmpdir(), 'tuneline-test-'));
  const more = { TUNELINE_TEST_SERVICES: servicesUrl, ...suite.env };
  const { code, counts } = suite.jest
    ? await runJest(suite.jest, folder, runner, more)
    : await runPytest(folder, runner);
  await rm(folder, { recursive: true });
  const seconds = (performance.now() - startedAt) / 1000;
  // A runner that broke without counting a failure has failed all the same.
  const isBroken = counts.failed === 0 && (code !== 0 || counts.passed === 0);
  if (!isBroken) return { name: suite.name, seconds, ...counts };
  return {
    name: suite.name,
    seconds,
    ...counts,
    failed: 1,
    broke: `it ended with code ${code} after ${counts.passed} tests`,
  };
}

interface Ran {
  readonly code: number | null;
  readonly counts: Counts;
}

async function runPytest(results: string, { folders, env }: SuiteRunner): Promise<Ran> {
  const report = join(results, 'pytest.xml');
  const python = join(folders.home, 'tools', 'jobs-dev', 'bin', 'python');
  const cwd = join(folders.repository, 'jobs');
  const code = await run([python, '-m', 'pytest', '-q', `--junitxml=${report}`], cwd, {
    ...env,
    ...quietPython(folders.home),
  });
  const xml = await readFile(report, 'utf8').catch(() => '');
  const count = (name: string) => Number(new RegExp(`<testsuite [^>]*\\b${name}="(\\d+)"`).exec(xml)?.[1] ?? 0);
  const failed = count('failures') + count('errors');
  return { code, counts: { passed: count('tests') - failed - count('skipped'), failed, skipped: count('skipped') } };
}

async function runJest(
  args: readonly string[],
  results: string,
  { folders, env }: SuiteRunner,
  more: Readonly<Record<string, string>>,
): Promise<Ran> {
  const report = join(results, 'jest.json');
  const jest = join(folders.repository, 'node_modules', '.bin', 'jest');
  const options = { ...env, ...more, NODE_OPTIONS: '--experimental-vm-modules --disable-warning=ExperimentalWarning' };
  const code = await run([jest, '--runInBand', '--json', '--outputFile', report, ...args], folders.repository, options);
  const {
    numPassedTests = 0,
    numFailedTests = 0,
    numPendingTests = 0,
    numRuntimeErrorTestSuites = 0,
  } = JSON.parse(await readFile(report, 'utf8').catch(() => '{}')) as Partial<Record<string, number>>;
  return {
    code,
    counts: { passed: numPassedTests, failed: numFailedTests + numRuntimeErrorTestSuites, skipped: numPendingTests },
  };
}

/** Reports go to files, all else to stderr: stdout holds the closing line alone. */
async function run(
  [command = '', ...args]: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>>,
): Promise<number | null> {
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 2, 2] });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code;
}

/** The servers that test files share. They end with this process, however it ends. */
async function startSharedServices({
  folders,
  env,
}: SuiteRunner): Promise<{ readonly url: string; readonly stop: () => Promise<void> }> {
  const program = join(folders.repository, 'test', 'support', 'shared-services.ts');
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program], {
    env,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const [url] = (await Promise.race([once(createInterface({ input: child.stdout }), 'line'), ended])) as [unknown];
  if (typeof url !== 'string')
    throw new Error(`the servers that tests share ended with code ${String(url)} before they listened`);
  return {
    url,
    stop: async () => {
      child.stdin.end();
      await ended;
    },
  };
}
