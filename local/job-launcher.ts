import { fork, spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** One process to start, with everything that `spawn` needs. */
export interface Launch {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

const file = fileURLToPath(import.meta.url);

/**
 * Starts detached processes from a small helper process: the time of a fork grows with the memory of the process that
 * forks, and a worker is large. The started processes outlive the helper.
 */
export class JobLauncher {
  readonly #onEnd: (name: string) => void;
  readonly #started = new Set<string>();
  #helper: ChildProcess | undefined;

  /** @param onEnd called when a process ended, could not be started, or was lost because the helper died. */
  constructor(onEnd: (name: string) => void) {
    this.#onEnd = onEnd;
  }

  launch(launch: Launch): void {
    this.#started.add(launch.name);
    this.#helper ??= this.#startHelper();
    this.#helper.send(launch, (error) => {
      if (error) this.#end(launch.name);
    });
  }

  #startHelper(): ChildProcess {
    const helper = fork(file, { execArgv: [], env: {}, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    helper.on('message', (name: string) => this.#end(name));
    const lost = () => {
      if (this.#helper !== helper) return;
      this.#helper = undefined;
      for (const name of [...this.#started]) this.#end(name);
    };
    helper.once('error', lost);
    helper.once('exit', lost);
    helper.unref();
    helper.channel?.unref();
    return helper;
  }

  #end(name: string): void {
    if (this.#started.delete(name)) this.#onEnd(name);
  }
}

function serve(): void {
  // Ctrl-C reaches the whole process group. The helper ignores it and exits when its worker disconnects.
  process.on('SIGINT', () => undefined);
  process.on('disconnect', () => process.exit());
  process.on('message', ({ name, command: [program, ...args], cwd, env }: Launch) => {
    const ended = () => {
      if (process.connected) process.send?.(name);
    };
    const child = spawn(program, args, { cwd, env, detached: true, stdio: 'ignore' });
    child.once('error', ended);
    child.once('exit', ended);
  });
}

if (process.argv[1] === file) serve();
