import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';

/** Its input ends with the process that holds the other end, even one that was killed. */
const script = `
groups= commands=
while read -r line; do
  case $line in
    [0-9]*) groups="$groups -$line" ;;
    *) commands="$commands$line;" ;;
  esac
done
[ -z "$groups" ] || kill -s KILL -- $groups
eval "$commands"
rm -rf -- "$@"
`;

/**
 * Ends process groups and removes paths should this process end without having done it itself. An exit
 * handler would not do: Jest's `process` never calls it, and a killed process runs none.
 */
export class Guard {
  readonly #watcher: ChildProcess;

  constructor(paths: readonly string[]) {
    this.#watcher = spawn('sh', ['-c', script, 'guard', ...paths], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    this.#watcher.unref();
    (this.#watcher.stdin as Socket).unref();
  }

  watch(group: number): void {
    this.#watcher.stdin?.write(`${group}\n`);
  }

  /** A shell's command of one line, for what is left once the groups were killed. They may still be dying. */
  thenRun(command: string): void {
    this.#watcher.stdin?.write(`${command}\n`);
  }

  /** For when all is ended and removed in order. Idempotent. */
  async dismiss(): Promise<void> {
    if (this.#watcher.exitCode !== null || this.#watcher.signalCode !== null) return;
    this.#watcher.ref();
    const ended = once(this.#watcher, 'exit');
    this.#watcher.kill('SIGKILL');
    await ended;
  }
}
