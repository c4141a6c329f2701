import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createToolchain } from '../local/toolchain.ts';
import { loadConfig } from '../workers/config.ts';
import { quietPython } from '../workers/jobs/job-process.ts';

/** Sets everything up and runs every test: pytest, then Jest; arguments are passed to Jest, and then pytest is left out. */
const { folders, serviceEnvironment: env } = loadConfig();
const jestArguments = process.argv.slice(2);
const toolchain = createToolchain({ ...folders, env, report: (message) => process.stderr.write(`${message}\n`) });
await toolchain.installServices();
await toolchain.installJobs();
await toolchain.importBaseModel();

const results = await mkdtemp(join(tmpdir(), 'tuneline-test-'));
const counts = { passed: 0, failed: 0, skipped: 0 };
const failures: string[] = [];

if (jestArguments.length === 0) {
  await toolchain.installJobsDevelopment();
  await runPytest();
  // What starts whole stacks or clusters does so one at a time: two of them would only wait for each other on two cores.
  await runJest('unit', ['--testPathIgnorePatterns', '/(e2e|cluster|faults)/', '--maxWorkers', '2']);
  // Faults keep one core busy, while a cluster mostly waits.
  await Promise.all([runJest('faults', ['test/faults', '--runInBand']), runJest('cluster', ['test/cluster', '--runInBand'])]);
  await runJest('e2e', ['test/e2e', '--runInBand']);
} else {
  await runJest('chosen', ['--runInBand', ...jestArguments]);
}
await rm(results, { recursive: true });
process.stdout.write(`${[...failures, ''].join('\n')}${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`);
process.exit(counts.failed === 0 && counts.passed > 0 ? 0 : 1);

async function runPytest(): Promise<void> {
  const report = join(results, 'pytest.xml');
  const code = await run(join(folders.home, 'tools', 'jobs-dev', 'bin', 'python'), ['-m', 'pytest', '-q', `--junitxml=${report}`], join(folders.repository, 'jobs'));
  const xml = await readFile(report, 'utf8').catch(() => '');
  const count = (name: string) => Number(new RegExp(`<testsuite [^>]*\\b${name}="(\\d+)"`).exec(xml)?.[1] ?? 0);
  const failed = count('failures') + count('errors');
  add('pytest', code, { passed: count('tests') - failed - count('skipped'), failed, skipped: count('skipped') });
}

async function runJest(name: string, args: readonly string[]): Promise<void> {
  const report = join(results, `${name}.json`);
  const code = await run(join(folders.repository, 'node_modules', '.bin', 'jest'), ['--json', '--outputFile', report, ...args], folders.repository, {
    NODE_OPTIONS: '--experimental-vm-modules --disable-warning=ExperimentalWarning',
  });
  const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(await readFile(report, 'utf8').catch(() => '{}')) as Partial<Record<string, number>>;
  add(`jest ${name}`, code, { passed: numPassedTests ?? 0, failed: numFailedTests ?? 0, skipped: numPendingTests ?? 0 });
}

/** A runner that broke without counting a failure has failed all the same. */
function add(runner: string, code: number | null, { passed, failed, skipped }: typeof counts): void {
  const broke = code !== 0 && failed === 0;
  if (broke || passed === 0) failures.push(`${runner} ended with code ${code} after ${passed} tests`);
  counts.passed += passed;
  counts.failed += failed + (broke || passed === 0 ? 1 : 0);
  counts.skipped += skipped;
}

async function run(command: string, args: readonly string[], cwd: string, more: Readonly<Record<string, string>> = {}): Promise<number | null> {
  // Reports go to files, all else to stderr: stdout holds the counts alone.
  const child = spawn(command, args, { cwd, env: { ...env, ...quietPython(folders.home), ...more }, stdio: ['ignore', 2, 2] });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code;
}
