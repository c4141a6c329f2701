import { expect, test } from '@jest/globals';
import { releaseProxyRoutes, type ReleaseProxySettings } from '../../domain/endpoint/release-proxy-settings.ts';
import { createEngines } from '../../serving/engines.ts';
import { createReleaseProxy } from '../../serving/release-proxy.ts';
import { createObservationBook } from '../../serving/observations.ts';
import { chat, contentOf, releaseOf } from '../support/endpoint-lab.ts';
import { answerChat, fakeEngines } from '../support/fake-engine.ts';

test('before one engine: clients are answered and observed, the worker is answered without being one, and told to end it drains', async () => {
  let finish: (() => void) | undefined;
  const slowAsked = Promise.withResolvers<undefined>();
  const { launch } = fakeEngines((_version, response, body) => {
    if (JSON.stringify(body).includes('slowly')) {
      finish = () => answerChat(response, 'at last');
      slowAsked.resolve(undefined);
    } else answerChat(response, 'fine');
  });
  const { url, modelName, stop } = await launch({ release: releaseOf('1'), folder: '' });
  const settings: ReleaseProxySettings = {
    release: releaseOf('1'),
    template: 'Sum up: {{text}}',
    engine: { url, modelName },
    port: 0,
    internalPort: 0,
    keysPath: '',
    drainSeconds: 60,
  };
  const log = () => undefined;
  const { clients, internal } = createReleaseProxy(settings, {
    engines: createEngines(),
    observations: createObservationBook({ log }),
    keys: { areNeeded: () => true, nameOf: (key) => (key === 'right' ? 'ada' : undefined) },
    traces: { write: () => Promise.resolve(), assess: () => Promise.resolve() },
    log,
  });
  const [outside, inside] = [
    await clients.listen({ host: '127.0.0.1', port: 0 }),
    await internal.listen({ host: '127.0.0.1', port: 0 }),
  ];
  const key = { authorization: 'Bearer right' };
  expect((await chat(outside, { variables: { text: 'x' } })).status).toBe(401);
  expect(await contentOf(await chat(outside, { variables: { text: 'x' } }, key))).toBe('fine');
  expect(await contentOf(await chat(inside))).toBe('fine');
  expect(await (await fetch(`${inside}${releaseProxyRoutes.observations}?since=0`)).json()).toHaveLength(1);
  expect(await (await fetch(`${inside}/metrics`)).text()).toContain(
    'tuneline_endpoint_requests_total{endpoint="summaries",version="1",status="200"} 1',
  );

  const slow = chat(outside, { messages: [{ role: 'user', content: 'slowly' }] }, key);
  await slowAsked.promise;
  let isDrained = false;
  const drained = fetch(`${inside}${releaseProxyRoutes.drained}`).then(() => (isDrained = true));
  const closing = clients.close();
  expect((await fetch(`${inside}${releaseProxyRoutes.ready}`)).status).toBe(503);
  expect(isDrained).toBe(false);
  finish?.();
  expect(await contentOf(await slow)).toBe('at last');
  await Promise.all([closing, drained]);
  await internal.close();
  await stop();
});
