import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { createJobActivities } from '../../activities/jobs.ts';
import { createLocalArtifactStore } from '../../local/artifact-store.ts';
import { createLocalJobRunner } from '../../local/job-runner.ts';
import { readStackState } from '../../local/stack-state.ts';
import { Stack } from '../../local/stack.ts';
import { createToolchain } from '../../local/toolchain.ts';
import { fakeTracking } from '../../test/builders/tracking.ts';
import { loadConfig, taskQueue } from '../../workers/config.ts';
import { jobProcess } from '../../workers/jobs/job-process.ts';
import { createJobReporter } from '../../workers/jobs/job-reporter.ts';
import { JobTracker } from '../../workers/jobs/job-tracker.ts';
import type { noopChain } from './noop-chain.ts';
import { noopStages, noopSteps } from './noop-stage.ts';

/**
 * What orchestration costs: five no-op stages, each a Job in a process of its own, one lifecycle at a
 * time and 100 at once, on the development server with its database on disk.
 * Run: npm run bench:overhead -- --json
 */
const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, lifecycles: { type: 'string', default: '100' } },
});
const atOnce = Number(values.lifecycles);
const oneByOne = 15;

const config = loadConfig();
const { folders, serviceEnvironment } = config;
const state = await mkdtemp(join(tmpdir(), 'tuneline-bench-'));
const report = (message: string) => process.stderr.write(`${message}\n`);
const toolchain = createToolchain({ ...folders, env: serviceEnvironment, report });
await toolchain.installServices();
await toolchain.installJobs();

const stack = new Stack({ ...folders, state, env: serviceEnvironment, report });
try {
  await stack.prepare();
  await stack.startTemporal();
  const figures = await measure(stack.addresses.temporal);
  process.stdout.write(
    values.json
      ? `${JSON.stringify(figures)}\n`
      : `${figures.msPerStep} ms a step, ${figures.pipelinesPerSecond} lifecycles/s with ${atOnce} at once, ${figures.idleMiB} MiB idle\n`,
  );
} finally {
  await stack.stop();
  await rm(state, { recursive: true });
}

async function measure(address: string) {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const connection = await NativeConnection.connect({ address });
  const client = new Client({ connection: await Connection.connect({ address }) });
  const runner = createLocalJobRunner({
    ...jobProcess(config, noopStages),
    root: join(state, 'jobs'),
    slots: availableParallelism(),
    graceMs: 1000,
  });
  // MLflow's own time is no part of what is measured.
  const { tracking } = fakeTracking();
  const tracker = new JobTracker({
    runner,
    reporter: createJobReporter({ client, tracking, runner }),
    heartbeatMs: 30_000,
    log: (message, fields) => report(`${message} ${JSON.stringify(fields)}`),
  });
  const worker = await Worker.create({
    connection,
    taskQueue,
    workflowsPath: fileURLToPath(new URL('./noop-chain.ts', import.meta.url)),
    activities: createJobActivities({
      runner,
      track: (request) => tracker.track(request),
      tracking,
      artifacts: createLocalArtifactStore(join(state, 'artifacts')),
      stages: noopStages,
    }),
  });
  tracker.start();
  const figures = await worker.runUntil(async () => {
    const run = (id: string) => client.workflow.execute<typeof noopChain>('noopChain', { taskQueue, workflowId: id });
    await run('warm-up');
    const idleMiB = await residentMiB();
    const each: number[] = [];
    for (let i = 0; i < oneByOne; i++) each.push(await timed(() => run(`alone-${i}`)));
    const together = await timed(() => Promise.all(Array.from({ length: atOnce }, (_, i) => run(`together-${i}`))));
    return {
      msPerStep: round(median(each) / noopSteps.length),
      pipelinesPerSecond: round((atOnce / together) * 1000),
      idleMiB,
    };
  });
  await tracker.stop();
  await connection.close();
  return figures;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

/** This process, which is the worker, and Temporal's server. */
async function residentMiB(): Promise<number> {
  const server = Object.values(readStackState(state)?.processes ?? {});
  const pids = [process.pid, ...server.map(({ pid }) => pid)];
  const each = await Promise.all(
    pids.map(async (pid) => Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1] ?? NaN)),
  );
  return Math.round(each.reduce((a, b) => a + b, 0) / 1024);
}

function median(xs: readonly number[]): number {
  return [...xs].sort((a, b) => a - b)[Math.floor(xs.length / 2)] ?? NaN;
}

function round(x: number): number {
  return Math.round(x * 10) / 10;
}
