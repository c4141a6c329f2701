import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Release } from '../domain/endpoint/release.ts';
import { freePort } from './ports.ts';
import { endGroup, identityOf, type ProcessIdentity } from './process-identity.ts';

/** A process that serves one release's weights through the OpenAI routes. */
export interface Engine {
  readonly url: string;
  /** The engine's name for the model in requests and answers. */
  readonly modelName: string;
  readonly exited: Promise<unknown>;
  stop(): Promise<void>;
}

export interface EngineLaunch {
  readonly release: Release;
  /** The engine's own folder, with its log and its process identity. */
  readonly folder: string;
}

/** Resolves once the engine answers its health route. Rejects with the end of its log if it exits before. */
export type LaunchEngine = (launch: EngineLaunch) => Promise<Engine>;

export interface EngineCommand {
  /** Gets the port and the model's name, which is also a folder in the working directory. */
  readonly command: (modelName: string, port: number) => readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
}

/** An engine has no state to save, so five seconds are enough. */
const stopGraceMs = 5000;

export const createEngineLauncher =
  ({ command, env }: EngineCommand): LaunchEngine =>
  async ({ release, folder }) => {
    await endLeftover(folder);
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true, mode: 0o700 });
    // Uses the endpoint's name, so that no answer reveals the path of the weights.
    const modelName = release.endpoint;
    await symlink(fileURLToPath(release.weights.uri), join(folder, modelName));
    const port = await freePort();
    const [program, ...args] = command(modelName, port);
    const log = await open(join(folder, 'log'), 'a');
    const child = spawn(program, args, { cwd: folder, env, detached: true, stdio: ['ignore', log.fd, log.fd] });
    const exited = Promise.race([once(child, 'exit'), once(child, 'error')]);
    await log.close();
    const identity = child.pid === undefined ? undefined : identityOf(child.pid);
    if (identity) await writeFile(join(folder, 'process.json'), JSON.stringify(identity));
    const url = `http://127.0.0.1:${port}`;
    await readyOrExited(url, exited, folder);
    return { url, modelName, exited, stop: async () => identity && endGroup(identity, stopGraceMs) };
  };

/** Ends an engine of an owner that crashed. It would hold its memory for ever. */
async function endLeftover(folder: string): Promise<void> {
  const text = await readFile(join(folder, 'process.json'), 'utf8').catch(() => undefined);
  if (text !== undefined) await endGroup(JSON.parse(text) as ProcessIdentity, stopGraceMs);
}

async function readyOrExited(url: string, exited: Promise<unknown>, folder: string): Promise<void> {
  let ended = false;
  void exited.then(() => {
    ended = true;
  });
  while (!ended) {
    const answer = await fetch(`${url}/health`, { signal: AbortSignal.timeout(2000) }).catch(() => undefined);
    if (answer?.ok) return;
    await delay(200);
  }
  const log = await readFile(join(folder, 'log'), 'utf8').catch(() => '');
  throw new Error(`the engine ended before it was ready:\n${log.split('\n').slice(-15).join('\n')}`);
}
