import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { readStackState, type StackState } from '../../local/stack-state.ts';
import { createMlflow, type Mlflow } from '../../mlflow/index.ts';
import type { Summary } from '../../scripts/summary.ts';

export const repository = resolve(fileURLToPath(new URL('../..', import.meta.url)));
const cli = ['--disable-warning=ExperimentalWarning', join(repository, 'scripts', 'tuneline.ts')];

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A stack of its own, from `tuneline up`, on a state folder of its own; tools and models are shared. */
export class TestStack {
  readonly state: string;
  readonly #up: ChildProcess;
  readonly #exit: Promise<unknown>;
  readonly #said: string[] = [];
  readonly #listeners = new Set<(line: string) => void>();

  private constructor(state: string, args: readonly string[]) {
    this.state = state;
    this.#up = spawn(process.execPath, [...cli, 'up', ...args], { cwd: repository, env: this.env(), stdio: ['ignore', 'pipe', 'pipe'] });
    this.#exit = once(this.#up, 'exit');
    for (const stream of [this.#up.stdout, this.#up.stderr])
      if (stream)
        createInterface({ input: stream }).on('line', (line) => {
          this.#said.push(line);
          for (const listener of this.#listeners) listener(line);
        });
  }

  static async start(): Promise<TestStack> {
    const stack = new TestStack(await mkdtemp(join(tmpdir(), 'tuneline-stack-')), []);
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
    void this.#exit.then(() => reject(new Error(`the stack ended before it said ${String(pattern)}:\n${this.#said.join('\n')}`)));
    return promise.finally(() => this.#listeners.delete(listener));
  }

  get services(): StackState {
    const found = readStackState(this.state);
    if (!found) throw new Error('the stack has written no state');
    return found;
  }

  client = async (): Promise<Client> => new Client({ connection: await Connection.connect({ address: this.services.addresses.temporal }) });
  mlflow = (): Mlflow => createMlflow({ trackingUri: this.services.addresses.mlflow });
  log = (service: string): Promise<string> => readFile(join(this.state, 'logs', `${service}.log`), 'utf8');

  /** Runs the CLI against this stack. */
  async tuneline(...args: readonly string[]): Promise<CommandResult> {
    const child = spawn(process.execPath, [...cli, ...args], { cwd: repository, env: this.env(), stdio: ['ignore', 'pipe', 'pipe'] });
    const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, stdout: await stdout, stderr: await stderr };
  }

  async run(specPath: string, id: string): Promise<{ readonly code: number | null; readonly summary: Summary; readonly stderr: string }> {
    const { code, stdout, stderr } = await this.tuneline('run', specPath, '--id', id, '--json');
    if (stdout.trim() === '') throw new Error(`tuneline run said nothing on stdout:\n${stderr}`);
    return { code, summary: JSON.parse(stdout) as Summary, stderr };
  }

  async stop(): Promise<void> {
    this.#up.kill('SIGTERM');
    await this.#exit;
    await rm(this.state, { recursive: true, force: true, maxRetries: 5 });
  }

  private env = (): NodeJS.ProcessEnv => ({ ...process.env, TUNELINE_STATE: this.state, NODE_OPTIONS: '' });
}

async function collect(stream: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  for await (const part of stream) text += String(part);
  return text;
}

/** A base model that trains in milliseconds a step; its weights are random. */
export async function makeTinyModel(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tuneline-tiny-'));
  const python = join(repository, '.tuneline', 'tools', 'jobs', 'bin', 'python');
  const { status, stderr } = spawnSync(python, ['-m', 'tests.tiny_model', folder], { cwd: join(repository, 'jobs'), encoding: 'utf8' });
  if (status !== 0) throw new Error(`the tiny model could not be made:\n${stderr}`);
  return folder;
}
