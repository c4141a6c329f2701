import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { shared } from './shared.ts';

export interface MlflowServer {
  readonly trackingUri: string;
  /** Ends the server and removes what it stored; of one that is shared, does nothing. */
  stop(): Promise<void>;
}

export interface OwnMlflowServer extends MlflowServer {
  /** Ends the server at once, as a crash would, and resolves when its port refuses. The store stays until `stop`. */
  kill(): Promise<void>;
}

/** The server that the test files of one run share, or one of this file's own. Experiments and models in it need names of the file's own. */
export async function openMlflow(): Promise<MlflowServer> {
  const server = await shared<{ readonly trackingUri: string }>('mlflow');
  return server ? { ...server, stop: () => Promise.resolve() } : startMlflow();
}

/** Where the project's own tools are installed. */
function mlflowBinary(): string {
  return fileURLToPath(new URL('../../.tuneline/tools/services/bin/mlflow', import.meta.url));
}

/** It takes up to 13 s on two busy cores; a slower machine gets some patience. */
const READY_WITHIN_MS = 90_000;

/** A real MLflow server on a free loopback port, with SQLite and artifacts in a temporary folder. */
export async function startMlflow(settings: Readonly<Record<string, string>> = {}): Promise<OwnMlflowServer> {
  const folder = await mkdtemp(join(tmpdir(), 'tuneline-mlflow-'));
  const port = await freePort();
  const server = spawn(
    mlflowBinary(),
    [
      ...['server', '--host', '127.0.0.1', '--port', String(port), '--workers', '1', '--serve-artifacts'],
      ...['--backend-store-uri', `sqlite:///${join(folder, 'mlflow.db')}`],
      ...['--artifacts-destination', join(folder, 'artifacts')],
    ],
    // Its own process group: `mlflow server` is a parent of the process that serves.
    { cwd: folder, detached: true, stdio: ['ignore', 'ignore', 'pipe'], env: { ...environment(), ...settings } },
  );
  const log: string[] = [];
  server.stderr.setEncoding('utf8').on('data', (text: string) => log.splice(0, log.length - 50, text));
  const kill = async (): Promise<void> => {
    await killGroup(server);
    // The process that held the port is not our child: its end shows only there.
    while (await accepts(port)) await delay(20);
  };
  const stop = async (): Promise<void> => {
    await kill();
    await rm(folder, { recursive: true, force: true });
  };
  const trackingUri = `http://127.0.0.1:${port}`;
  try {
    await untilHealthy(trackingUri, server);
  } catch (error) {
    await stop();
    throw new Error(`MLflow did not start:\n${log.join('')}`, { cause: error });
  }
  return { trackingUri, stop, kill };
}

/** Without the caller's own MLflow settings, which could point the server elsewhere. */
function environment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('MLFLOW_'));
  return { ...Object.fromEntries(own), MLFLOW_SERVER_ENABLE_JOB_EXECUTION: 'false' };
}

async function untilHealthy(trackingUri: string, server: ChildProcess): Promise<void> {
  const failed = new AbortController();
  const onExit = (code: number | null): void => failed.abort(new Error(`it ended with ${code}`));
  server.once('exit', onExit).once('error', (error) => failed.abort(error));
  const patience = AbortSignal.any([failed.signal, AbortSignal.timeout(READY_WITHIN_MS)]);
  while (!(await isHealthy(trackingUri))) {
    patience.throwIfAborted();
    await delay(100);
  }
  server.off('exit', onExit);
}

async function isHealthy(trackingUri: string): Promise<boolean> {
  try {
    return (await fetch(`${trackingUri}/health`, { signal: AbortSignal.timeout(2_000) })).ok;
  } catch {
    return false;
  }
}

async function killGroup(server: ChildProcess): Promise<void> {
  if (server.pid === undefined || server.exitCode !== null || server.signalCode !== null) return;
  const ended = once(server, 'exit');
  process.kill(-server.pid, 'SIGKILL');
  await ended;
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
