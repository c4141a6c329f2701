import { watch as watchFolder } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import {
  JobConflictError,
  type CancelCause,
  type JobRequest,
  type JobRunner,
  type JobState,
} from '../domain/job/job.ts';
import { classifyEnding } from '../domain/job/outcome.ts';
import { traceVariables } from '../domain/job/job-trace.ts';
import { ChangeQueue } from '../domain/job/change-queue.ts';
import { JobFolders } from './job-folder.ts';
import { JobLauncher } from './job-launcher.ts';
import { endGroup, isGroupAlive } from './process-identity.ts';

export interface LocalJobRunnerOptions {
  /** The folder that holds all Jobs; nothing else may write there. */
  readonly root: string;
  /** The command that runs a Job's stage. */
  readonly command: (stage: string) => readonly [string, ...string[]];
  /** The environment of a Job, except for the variables that this runner adds. */
  readonly env: Readonly<Record<string, string>>;
  /** The number of Jobs that may run at the same time. The others queue. */
  readonly slots: number;
  /** Time between SIGTERM and SIGKILL: long enough to save a checkpoint. */
  readonly graceMs: number;
}

/**
 * A process that this worker did not start leaves a marker when it ends. A sweep at this interval finds markers that
 * the watch missed.
 */
const sweepMs = 2000;

const processScript = fileURLToPath(new URL('./job-process.sh', import.meta.url));

/**
 * Runs Jobs as detached processes on this machine. All state is on disk: a worker that starts on the same root adopts
 * earlier Jobs, also those that still run.
 */
export function createLocalJobRunner(options: LocalJobRunnerOptions): JobRunner {
  const folders = new JobFolders(options.root);
  const ready = folders.prepare();
  const waiting: JobRequest[] = [];
  const running = new Set<string>();
  const hints = new ChangeQueue();
  // A lost helper also reports an end. That is only a hint: the reader checks it, and the sweep starts the Job again if
  // it never began.
  const launcher = new JobLauncher(settle);

  function startNext(): void {
    while (running.size < options.slots) {
      const next = waiting.shift();
      if (next === undefined) return;
      running.add(next.name);
      start(next);
    }
  }

  function start(request: JobRequest): void {
    launcher.launch({
      name: request.name,
      command: [
        processScript,
        folders.folder(request.name),
        folders.doneMarker(request.name),
        ...options.command(request.spec.stage),
      ],
      cwd: options.root,
      env: {
        ...options.env,
        ...traceVariables(request),
        TUNELINE_JOB: JSON.stringify(request.spec),
        TUNELINE_TERMINATION_PATH: folders.outcomePath(request.name),
      },
    });
  }

  function settle(name: string): void {
    hints.push(name);
    if (running.delete(name)) startNext();
  }

  function enqueue(request: JobRequest): void {
    waiting.push(request);
    startNext();
  }

  /** Queues a Job that no process has claimed. Counts one that runs. */
  async function adopt(request: JobRequest): Promise<void> {
    if (isKnown(request.name)) return;
    const { phase } = await read(request.name);
    if (isKnown(request.name)) return;
    if (phase === 'queued') enqueue(request);
    else if (phase === 'running') running.add(request.name);
  }

  const isKnown = (name: string): boolean => running.has(name) || waiting.some((w) => w.name === name);

  async function read(name: string): Promise<JobState> {
    await ready;
    const exitCode = await folders.exitCode(name);
    if (exitCode !== undefined) return finished(name, exitCode);
    const claimant = await folders.claimant(name);
    if (claimant === undefined) return (await folders.request(name)) ? { phase: 'queued' } : { phase: 'absent' };
    if (claimant !== 'nobody' && isGroupAlive(claimant))
      return { phase: 'running', sinceMs: (await stat(join(folders.folder(name), 'process'))).mtimeMs };
    // Reads the exit code again: the process may have written it between the two reads.
    return finished(name, await folders.exitCode(name));
  }

  async function finished(name: string, exitCode: number | undefined): Promise<JobState> {
    const [message, cancelled, open] = await Promise.all([
      folders.outcome(name),
      folders.cancelled(name),
      folders.isOpen(name),
    ]);
    return {
      phase: 'finished',
      outcome: classifyEnding({ exitCode, message, cancelled }),
      ...(open ? {} : { acknowledged: true }),
    };
  }

  async function sweep(): Promise<void> {
    for (const name of await folders.openNames()) {
      const request = await folders.request(name);
      if (request === undefined) continue;
      await adopt(request);
      if (running.has(name) && (await read(name)).phase === 'finished') settle(name);
    }
  }

  return {
    async create(request) {
      await ready;
      const created = await folders.create(request);
      if (created) enqueue(request);
      else {
        const existing = await folders.request(request.name);
        if (existing?.specDigest !== request.specDigest)
          throw new JobConflictError(
            `Job ${request.name} exists with another spec (${existing?.specDigest} instead of ${request.specDigest}).`,
          );
        if (JSON.stringify(existing.owner) !== JSON.stringify(request.owner))
          await folders.replaceRequest({ ...existing, owner: request.owner });
        await adopt(request);
      }
      return created ? 'created' : 'adopted';
    },

    read,

    async listOpen() {
      await ready;
      const requests = await Promise.all((await folders.openNames()).map((name) => folders.request(name)));
      return requests.filter((r) => r !== undefined);
    },

    findOpen: (name) => folders.openRequest(name),

    async *watch(signal) {
      await ready;
      const watcher = watchFolder(folders.doneFolder(), (_event, name) => {
        if (name) settle(name);
      });
      const sweeping = sweepUntil(signal, sweep);
      try {
        yield* hints.drain(signal);
      } finally {
        watcher.close();
        await sweeping;
      }
    },

    async cancel(name, cause: CancelCause, reason) {
      const { phase } = await read(name);
      if (phase === 'absent' || phase === 'finished') return;
      await folders.recordCancel(name, cause, reason);
      if (!(await folders.claimForNobody(name))) {
        const claimant = await folders.claimant(name);
        if (claimant !== undefined && claimant !== 'nobody') await endGroup(claimant, options.graceMs);
      }
      remove(waiting, name);
      settle(name);
    },

    logTail: (name, maximumBytes) => folders.logTail(name, maximumBytes),
    // A local process has a log, but no events.
    events: () => Promise.resolve(''),
    acknowledge: (name) => folders.acknowledge(name),
  };
}

async function sweepUntil(signal: AbortSignal, sweep: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    await sweep();
    await delay(sweepMs, undefined, { signal }).catch(() => undefined);
  }
}

function remove(waiting: JobRequest[], name: string): void {
  const index = waiting.findIndex((w) => w.name === name);
  if (index >= 0) waiting.splice(index, 1);
}
