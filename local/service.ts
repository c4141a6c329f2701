import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { endGroup, identityOf, type ProcessIdentity } from './process-identity.ts';
import { SetupError } from './setup-error.ts';

export interface ServiceSpec {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly logPath: string;
  /** Polled until it resolves with true. `'message'` waits for a message of the process instead. */
  readonly ready: (() => Promise<boolean>) | 'message';
}

export interface ServiceEvents {
  readonly onStart: (name: string, identity: ProcessIdentity) => Promise<void>;
  readonly onRestart: (name: string, reason: string) => void;
}

/** Time between SIGTERM and SIGKILL: a worker can finish its reports, and a database can close. */
const stopGraceMs = 10_000;
const restartPauseMs = 1000;

/** Keeps one service of the embedded stack running. Restarts it whenever it exits by itself. */
export class Service {
  readonly spec: ServiceSpec;
  readonly #events: ServiceEvents;
  #identity: ProcessIdentity | undefined;
  #stopping = false;

  constructor(spec: ServiceSpec, events: ServiceEvents) {
    this.spec = spec;
    this.#events = events;
  }

  /** Resolves once the service is ready. Rejects with the end of its log if it exits before. */
  async start(): Promise<void> {
    const { command, env, cwd, logPath, ready } = this.spec;
    await mkdir(dirname(logPath), { recursive: true });
    const log = await open(logPath, 'a');
    const [program, ...args] = command;
    // Its own session: Ctrl-C then reaches only this command, which stops its services in order.
    const child = spawn(program, args, {
      cwd,
      env,
      detached: true,
      stdio: ['ignore', log.fd, log.fd, ...(ready === 'message' ? (['ipc'] as const) : [])],
    });
    await log.close();
    const ended = Promise.race([once(child, 'exit'), once(child, 'error')]);
    const said = ready === 'message' ? once(child, 'message') : undefined;
    this.#identity = child.pid === undefined ? undefined : identityOf(child.pid);
    if (this.#identity) await this.#events.onStart(this.spec.name, this.#identity);
    const isReady = said
      ? await Promise.race([said.then(() => true), ended.then(() => false)])
      : await untilReady(ready as () => Promise<boolean>, ended);
    if (said) child.disconnect();
    if (!isReady)
      throw new SetupError(
        `${this.spec.name} ended before it was ready:\n${await tail(logPath)}\nhint: its whole log is ${logPath}`,
      );
    void ended.then(() => this.#onEnd());
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#identity) await endGroup(this.#identity, stopGraceMs);
  }

  async #onEnd(): Promise<void> {
    while (!this.#stopping) {
      this.#events.onRestart(this.spec.name, 'it ended by itself');
      await delay(restartPauseMs);
      if (this.#stopping) return;
      try {
        await this.start();
        return;
      } catch (error) {
        this.#events.onRestart(this.spec.name, String(error));
      }
    }
  }
}

async function untilReady(ready: () => Promise<boolean>, ended: Promise<unknown>): Promise<boolean> {
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  while (!isOver) {
    if (await ready()) return true;
    await delay(100);
  }
  return false;
}

async function tail(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-15).join('\n');
}
