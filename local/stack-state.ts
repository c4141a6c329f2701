import { readFileSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProcessIdentity } from './process-identity.ts';

/** The addresses of the embedded services. */
export interface StackAddresses {
  /** host:port of Temporal's gRPC front end. */
  readonly temporal: string;
  readonly temporalUi: string;
  readonly mlflow: string;
  readonly endpoint: string;
  /** The review console. */
  readonly console: string;
  /** The address of the console's event routes. Used only if there are rules for events. */
  readonly events: string;
}

/** The state that `tuneline up` saves, so that other commands find the stack and `down` can end it. */
export interface StackState {
  readonly addresses: StackAddresses;
  readonly up: ProcessIdentity;
  readonly processes: Readonly<Record<string, ProcessIdentity>>;
}

export const defaultPorts = {
  temporal: 7233,
  temporalUi: 8233,
  mlflow: 5000,
  endpoint: 8000,
  console: 8100,
  events: 8200,
} as const;

/** Only MLflow can listen on another address than loopback. */
export const addressesAt = (
  ports: Readonly<Record<keyof StackAddresses, number>>,
  mlflowHost = '127.0.0.1',
): StackAddresses => ({
  temporal: `127.0.0.1:${ports.temporal}`,
  temporalUi: `http://127.0.0.1:${ports.temporalUi}`,
  mlflow: `http://${mlflowHost}:${ports.mlflow}`,
  endpoint: `http://127.0.0.1:${ports.endpoint}`,
  console: `http://127.0.0.1:${ports.console}`,
  events: `http://127.0.0.1:${ports.events}`,
});

/** The addresses of the running stack, else the defaults. */
export const stackAddresses = (stateFolder: string): StackAddresses =>
  readStackState(stateFolder)?.addresses ?? addressesAt(defaultPorts);

export function readStackState(stateFolder: string): StackState | undefined {
  try {
    return JSON.parse(readFileSync(statePath(stateFolder), 'utf8')) as StackState;
  } catch {
    return undefined;
  }
}

export async function writeStackState(stateFolder: string, state: StackState): Promise<void> {
  await mkdir(stateFolder, { recursive: true, mode: 0o700 });
  const path = statePath(stateFolder);
  await writeFile(`${path}.new`, JSON.stringify(state, null, 2));
  await rename(`${path}.new`, path);
}

const statePath = (stateFolder: string): string => join(stateFolder, 'stack.json');
