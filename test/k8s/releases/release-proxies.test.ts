import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { defaultServing } from '../../../domain/serving/serving-settings.ts';
import { chatWith, type Fetch } from '../../../k8s/releases/release-proxies.ts';
import { releaseOf } from '../../builders/releases.ts';

const hangs = createServer(() => undefined);
afterEach(() => {
  hangs.close();
  hangs.closeAllConnections();
});

test('waits for a release proxy as long as its release lets clients wait', async () => {
  hangs.listen(0, '127.0.0.1');
  await once(hangs, 'listening');
  const { port } = hangs.address() as AddressInfo;
  // Every release proxy listens on the same port; this one has to use a free one.
  const there: Fetch = (_url, init) => fetch(`http://127.0.0.1:${port}`, init);
  const pod = { status: { podIP: '10.0.0.7' } };
  const asked = { messages: [{ role: 'user', content: 'hello' }], maxTokens: 1 };
  const waits = (timeoutSeconds: number) =>
    chatWith(pod, releaseOf('1', { serving: { ...defaultServing, timeoutSeconds } }), asked, there);

  const patient = waits(3600);
  expect(await waits(0.01)).toMatchObject({ status: 0, text: '' });
  expect(await Promise.race([patient, Promise.resolve('still waits')])).toBe('still waits');
  hangs.closeAllConnections();
  expect(await patient).toMatchObject({ status: 0 });
});
