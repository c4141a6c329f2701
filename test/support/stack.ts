import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { isGroupAlive, type ProcessIdentity } from '../../local/process-identity.ts';
import { readStackState, type StackState } from '../../local/stack-state.ts';
import { createMlflow, type Mlflow } from '../../mlflow/index.ts';
import type { Summary } from '../../scripts/report/summary.ts';
import { cliCommand } from './cli.ts';

export const repository = resolve(fileURLToPath(new URL('../..', import.meta.url)));

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A stack of its own, from `tuneline up`, on a state folder of its own; tools and models are shared. */
export class TestStack {
  readonly state: string;
  readonly #more: Readonly<Record<string, string>>;
  readonly #up: ChildProcess;
  readonly #exit: Promise<unknown>;
  readonly #said: string[] = [];
  readonly #listeners = new Set<(line: string) => void>();

  private constructor(state: string, args: readonly string[], more: Readonly<Record<string, string>>) {
    this.state = state;
    this.#more = more;
    this.#up = spawn(process.execPath, [...cliCommand, 'up', ...args], {
      cwd: repository,
      env: this.env(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#exit = once(this.#up, 'exit');
    for (const stream of [this.#up.stdout, this.#up.stderr])
      if (stream)
        createInterface({ input: stream }).on('line', (line) => {
          this.#said.push(line);
          for (const listener of this.#listeners) listener(line);
        });
  }

  /** With these settings, and these arguments for `up`. */
  static async start({
    env = {},
    args = [],
  }: { readonly env?: Readonly<Record<string, string>>; readonly args?: readonly string[] } = {}): Promise<TestStack> {
    const stack = new TestStack(env['TUNELINE_STATE'] ?? (await mkdtemp(join(tmpdir(), 'tuneline-stack-'))), args, env);
    await stack.says(/serving; Ctrl-C/);
    return stack;
  }

  /** Resolves with the first line, earlier or later, that matches. */
  async says(pattern: RegExp): Promise<string> {
    const earlier = this.#said.find((line) => pattern.test(line));
    if (earlier !== undefined) return earlier;
    const { promise, resolve: found, reject } = Promise.withResolvers<string>();
    const listener = (line: string): void => {
      if (pattern.test(line)) found(line);
    };
    this.#listeners.add(listener);
    void this.#exit.then(() =>
      reject(new Error(`the stack ended before it said ${String(pattern)}:\n${this.#said.join('\n')}`)),
    );
    return promise.finally(() => this.#listeners.delete(listener));
  }

  get services(): StackState {
    const found = readStackState(this.state);
    if (!found) throw new Error('the stack has written no state');
    return found;
  }

  client = async (): Promise<Client> =>
    new Client({ connection: await Connection.connect({ address: this.services.addresses.temporal }) });
  mlflow = (): Mlflow => createMlflow({ trackingUri: this.services.addresses.mlflow });
  log = (service: string): Promise<string> => readFile(join(this.state, 'logs', `${service}.log`), 'utf8');

  /** Starts the CLI against this stack. */
  spawn(...args: readonly string[]): {
    readonly child: ChildProcess;
    readonly ended: Promise<number | null>;
    readonly says: (pattern: RegExp) => Promise<void>;
  } {
    const child = spawn(process.execPath, [...cliCommand, ...args], {
      cwd: repository,
      env: this.env(),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const ended = once(child, 'close').then(([code]) => code as number | null);
    let said = '';
    const heard = new Set<() => void>();
    child.stderr.on('data', (part) => {
      said += String(part);
      for (const listener of heard) listener();
    });
    const says = async (pattern: RegExp): Promise<void> => {
      const { promise, resolve: found, reject } = Promise.withResolvers<undefined>();
      const look = (): void => (pattern.test(said) ? found(undefined) : undefined);
      heard.add(look);
      look();
      void ended.then(() =>
        reject(new Error(`tuneline ${args.join(' ')} ended before it said ${String(pattern)}:\n${said}`)),
      );
      await promise;
    };
    return { child, ended, says };
  }

  /** Runs the CLI against this stack. */
  async tuneline(...args: readonly string[]): Promise<CommandResult> {
    const child = spawn(process.execPath, [...cliCommand, ...args], {
      cwd: repository,
      env: this.env(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, stdout: await stdout, stderr: await stderr };
  }

  async run(
    specPath: string,
    id: string,
  ): Promise<{ readonly code: number | null; readonly summary: Summary; readonly stderr: string }> {
    const { code, stdout, stderr } = await this.tuneline('run', specPath, '--id', id, '--json');
    if (stdout.trim() === '') throw new Error(`tuneline run said nothing on stdout:\n${stderr}`);
    return { code, summary: JSON.parse(stdout) as Summary, stderr };
  }

  /** Ends it as Ctrl-C does, and throws if anything that it started is left. */
  async stop(): Promise<void> {
    const started = Object.entries(this.services.processes);
    const engines = await this.#engines();
    this.#up.kill('SIGINT');
    await this.#exit;
    const left = [...started, ...engines].filter(([, identity]) => isGroupAlive(identity)).map(([name]) => name);
    if (left.length > 0) throw new Error(`Ctrl-C left ${left.join(', ')} running`);
    await rm(this.state, { recursive: true, force: true, maxRetries: 5 });
  }

  /** The processes behind the endpoint, which the endpoint started itself. */
  async #engines(): Promise<[string, ProcessIdentity][]> {
    const folder = join(this.state, 'endpoints');
    const files = await readdir(folder, { recursive: true }).catch((): string[] => []);
    const written = files.filter((file) => file.endsWith('process.json'));
    return Promise.all(
      written.map(async (file): Promise<[string, ProcessIdentity]> => [
        file,
        JSON.parse(await readFile(join(folder, file), 'utf8')) as ProcessIdentity,
      ]),
    );
  }

  private env = (): NodeJS.ProcessEnv => ({
    ...process.env,
    ...this.#more,
    TUNELINE_STATE: this.state,
    NODE_OPTIONS: '',
  });
}

async function collect(stream: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  for await (const part of stream) text += String(part);
  return text;
}

/** A base model that trains in milliseconds a step; its weights are random. */
export async function makeTinyModel(within = tmpdir()): Promise<string> {
  const folder = await mkdtemp(join(within, 'tuneline-tiny-'));
  const python = join(repository, '.tuneline', 'tools', 'jobs', 'bin', 'python');
  const { status, stderr } = spawnSync(python, ['-m', 'tests.tiny_model', folder], {
    cwd: join(repository, 'jobs'),
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`the tiny model could not be made:\n${stderr}`);
  return folder;
}
