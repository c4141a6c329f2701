import type { AddressInfo } from 'node:net';
import { expect, test } from '@jest/globals';
import { serveHealth } from '../../workers/health.ts';

test('the answer follows the state at each request', async () => {
  let isWell = false;
  const server = await serveHealth(0, () => isWell);
  const ask = async () => (await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/healthz`)).status;
  expect(await ask()).toBe(503);
  isWell = true;
  expect(await ask()).toBe(200);
  isWell = false;
  expect(await ask()).toBe(503);
  server.close();
});

test('a port that is taken is an error, not a worker without probes', async () => {
  const server = await serveHealth(0, () => true);
  await expect(serveHealth((server.address() as AddressInfo).port, () => true)).rejects.toThrow('EADDRINUSE');
  server.close();
});
