import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { claimPort } from '../../local/ports.ts';
import { identityOf, isAlive, type ProcessIdentity } from '../../local/process-identity.ts';
import { AlreadyUpError, Stack } from '../../local/stack.ts';
import { addressesAt, defaultPorts, readStackState, writeStackState } from '../../local/stack-state.ts';

let state: string;
const sleepers: ProcessIdentity[] = [];
beforeEach(async () => {
  state = await mkdtemp(join(tmpdir(), 'tuneline-stack-test-'));
});
afterEach(async () => {
  for (const { pid } of sleepers.splice(0).filter(isAlive)) process.kill(-pid, 'SIGKILL');
  await rm(state, { recursive: true });
});

function sleeper(): ProcessIdentity {
  const child = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
  const identity = identityOf(child.pid ?? NaN);
  if (!identity) throw new Error('sleep did not start');
  sleepers.push(identity);
  return identity;
}

const stack = (said: string[] = [], own = state): Stack =>
  new Stack({ repository: state, home: state, state: own, env: {}, report: (message) => said.push(message) });

test('a port in use is avoided, and that is said', async () => {
  // Whether the default is free here or not, it is taken now.
  const server = createServer().listen(defaultPorts.mlflow, '127.0.0.1');
  await once(server, 'listening').catch(() => undefined);
  const said: string[] = [];
  const prepared = stack(said);
  await prepared.prepare();
  expect(prepared.addresses.mlflow).not.toBe(addressesAt(defaultPorts).mlflow);
  expect(said.join('\n')).toContain(
    `port ${defaultPorts.mlflow} is in use, mlflow takes ${new URL(prepared.addresses.mlflow).port}`,
  );
  expect(readStackState(state)?.addresses).toEqual(prepared.addresses);
  server.close();
  await prepared.stop();
});

test('a free port is kept, a taken one is not', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const other = await claimPort(port);
  expect(other.port).not.toBe(port);
  server.close();
  await once(server, 'close');
  const kept = await claimPort(port);
  expect(kept.port).toBe(port);
  for (const claim of [other, kept]) claim.release();
});

const portsOf = ({ addresses }: Stack): string[] =>
  Object.values(addresses).map((address: string) => address.replace(/^.*:/, ''));
// Elsewhere there is no second loopback address to claim a port on.
const onLinux = process.platform === 'linux' ? test : test.skip;

onLinux(
  'of stacks that start at once none gets the port of another, nor while a service is down; once it has stopped anyone does',
  async () => {
    const stacks = ['one', 'two', 'three'].map((own) => stack([], join(state, own)));
    await Promise.all(stacks.map((one) => one.prepare()));
    const ports = stacks.flatMap(portsOf);
    expect(new Set(ports).size).toBe(ports.length);
    for (const one of stacks) await one.stop();
    const next = await Promise.all(ports.map((port) => claimPort(Number(port))));
    expect(next.map(({ port }) => String(port))).toEqual(ports);
    for (const claim of next) claim.release();
  },
);

test('a second stack on the same state is refused, and the first is left alone', async () => {
  const up = sleeper();
  const service = sleeper();
  await writeStackState(state, { addresses: addressesAt(defaultPorts), up, processes: { temporal: service } });
  await expect(stack().prepare()).rejects.toThrow(AlreadyUpError);
  expect([up, service].map(isAlive)).toEqual([true, true]);
});

test('what a killed stack left behind is ended first', async () => {
  const orphan = sleeper();
  await writeStackState(state, {
    addresses: addressesAt(defaultPorts),
    up: { pid: orphan.pid, startedAt: 'long ago' },
    processes: { mlflow: orphan },
  });
  const next = stack();
  await next.prepare();
  expect(isAlive(orphan)).toBe(false);
  await next.stop();
});

test('a process is told from a later one with the same number', () => {
  const own = identityOf(process.pid);
  expect(own && isAlive(own)).toBe(true);
  expect(isAlive({ pid: process.pid, startedAt: '1' })).toBe(false);
});
