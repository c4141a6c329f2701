import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { closingLine, readClosingLine, sum } from './counts.ts';
import { runDeepUntil } from './deep-runs.ts';
import { prepareTools } from './prepare-tools.ts';
import { summarize } from './run-suites.ts';

/**
 * What `.ci/run` runs: the checks, `npm test` as a newcomer runs it, then deep suites for as long as the time allows.
 * The last line counts all tests.
 */
const minutes = Number(process.argv[2]);
const deadlineMs = Date.now() + minutes * 60_000;

const checked = await npm('run', '--silent', 'check');
if (checked.code !== 0) process.exit(1);

const tested = await npm('test', '--silent');
const counted = readClosingLine(tested.stdout);
if (!counted) process.exit(1);

const { results, leftOut } = await runDeepUntil(deadlineMs, await prepareTools({ development: true }));
const { lines, counts } = summarize(results);
process.stderr.write(`${lines.join('\n')}\n`);
process.stderr.write(`deep suites that ran: ${results.map(({ name }) => name).join(', ') || 'none'}\n`);
process.stderr.write(`deep suites left for another run: ${leftOut.join(', ') || 'none'}\n`);
const all = sum(counted, counts);
process.stdout.write(`${closingLine(all)}\n`);
process.exit(tested.code === 0 && all.failed === 0 ? 0 : 1);

async function npm(...args: readonly string[]): Promise<{ readonly code: number | null; readonly stdout: string }> {
  const child = spawn('npm', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const stdout = text(child.stdout);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout: await stdout };
}
