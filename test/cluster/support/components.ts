import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { endGroup, identityOf, type ProcessIdentity } from '../../../local/process-identity.ts';
import { Guard } from './guard.ts';

/** All they hold is thrown away: an end in order is a courtesy, and the API server would take a minute for it. */
const stopGraceMs = 2000;

/** It takes five seconds on two quiet cores; a busy machine gets some patience. */
const readyWithinMs = 180_000;

/** The processes of one cluster, with its folder: they end together, also where this process is killed. */
export class Components {
  readonly folder: string;
  readonly #guard: Guard;
  readonly #started: ProcessIdentity[] = [];
  readonly #lastCommands: string[] = [];
  #ended: string | undefined;

  constructor(folder: string) {
    this.folder = folder;
    this.#guard = new Guard([folder]);
  }

  async start(name: string, [program, ...args]: readonly [string, ...string[]]): Promise<void> {
    const log = await open(this.#logPath(name), 'a');
    // Neither the caller's kubeconfig nor its proxy may come between the components.
    const child = spawn(program, args, {
      cwd: this.folder,
      env: { HOME: this.folder },
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
    });
    await log.close();
    const identity = child.pid === undefined ? undefined : identityOf(child.pid);
    if (!identity)
      throw new Error(
        `${name} did not start: ${String((await once(child, 'error').catch(() => ['it ended at once']))[0])}`,
      );
    this.#guard.watch(identity.pid);
    this.#started.push(identity);
    child.once('exit', () => (this.#ended ??= name));
  }

  /** A shell's command of one line that removes what processes leave behind; run when they ended, however they did. */
  thenRun(command: string): void {
    this.#guard.thenRun(command);
    this.#lastCommands.push(command);
  }

  /** Asks until the answer is yes; throws with the end of its log if a component ends before, or with the last refusal. */
  async until(isReady: () => Promise<boolean>): Promise<void> {
    const patience = AbortSignal.timeout(readyWithinMs);
    let refusal: unknown;
    const ask = () =>
      isReady().catch((error: unknown) => {
        refusal = error;
        return false;
      });
    // Until a component listens, every question is refused.
    while (!(await ask())) {
      if (this.#ended)
        throw new Error(
          `${this.#ended} ended before the cluster was ready:\n${(await readFile(this.#logPath(this.#ended), 'utf8')).slice(-3000)}`,
        );
      if (patience.aborted) throw new Error(`the cluster was not ready within ${readyWithinMs} ms`, { cause: refusal });
      await delay(100);
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#started.map((identity) => endGroup(identity, stopGraceMs)));
    for (const command of this.#lastCommands) await promisify(execFile)('sh', ['-c', command]);
    await this.#guard.dismiss();
  }

  #logPath = (name: string): string => join(this.folder, `${name}.log`);
}
