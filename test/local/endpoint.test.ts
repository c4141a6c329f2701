import { expect, test } from '@jest/globals';
import { answerChat } from '../support/fake-engine.ts';
import {
  chat,
  contentOf,
  deploy,
  messages,
  openEndpoint,
  releaseOf,
  sayVersion,
  sharesOf,
  split,
  trial,
  type Answer,
} from '../support/endpoint-lab.ts';

const untilReady = async (url: string): Promise<void> => {
  while ((await fetch(`${url}/readyz`)).status !== 200) await new Promise((resolve) => setImmediate(resolve));
};

test('nothing is served before a release has the traffic', async () => {
  const { host, url } = await openEndpoint();
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  expect((await fetch(`${url}/readyz`)).status).toBe(503);
  await host.prepare(releaseOf('1'), trial);
  expect((await fetch(`${url}/readyz`)).status).toBe(503);
  expect((await chat(url)).status).toBe(404);
});

test('a new version takes over only when told, and the old one is stopped after its last request', async () => {
  let finishSlow: (() => void) | undefined;
  const slowAsked = Promise.withResolvers<undefined>();
  const { host, url, started } = await openEndpoint((version, response, body) => {
    if (JSON.stringify(body).includes('slowly')) {
      finishSlow = () => answerChat(response, `I was ${version}`);
      slowAsked.resolve(undefined);
    } else answerChat(response, `I am ${version}`);
  });
  await deploy(host, '1');
  await host.prepare(releaseOf('2'), trial);
  expect(await contentOf(await chat(url))).toBe('I am 1');
  const slow = chat(url, { messages: [{ role: 'user', content: 'slowly' }] });
  await slowAsked.promise;
  await host.setTraffic('summaries', sharesOf({ '2': 100 }));
  const retiring = host.retireIdle('summaries');
  expect(await contentOf(await chat(url))).toBe('I am 2');
  expect(started[0]?.stopped).toBe(false);
  finishSlow?.();
  expect(await contentOf(await slow)).toBe('I was 1');
  await retiring;
  expect(started.map((e) => e.stopped)).toEqual([true, false]);
  expect((await host.traffic('summaries')).shares).toEqual(sharesOf({ '2': 100 }));
});

test.each<[string, Answer]>([
  ['an empty answer', (version, response) => answerChat(response, version === '2' ? ' ' : 'fine')],
  [
    'an error',
    (version, response) => (version === '2' ? void response.writeHead(500).end('{}') : answerChat(response, 'fine')),
  ],
  [
    'a broken connection',
    (version, response) => (version === '2' ? void response.destroy() : answerChat(response, 'fine')),
  ],
])('%s in the smoke test leaves the previous version serving and no engine behind', async (_what, answer) => {
  const { host, url, started } = await openEndpoint(answer);
  await deploy(host, '1');
  await expect(host.prepare(releaseOf('2'), trial)).rejects.toMatchObject({
    name: 'SmokeTestError',
    message: expect.stringContaining('Version 2'),
  });
  expect(await contentOf(await chat(url))).toBe('fine');
  expect(started.map((e) => e.stopped)).toEqual([false, true]);
  await expect(host.setTraffic('summaries', sharesOf({ '2': 100 }))).rejects.toThrow('not prepared');
  expect((await host.traffic('summaries')).shares).toEqual(sharesOf({ '1': 100 }));
});

test('preparing twice, one after the other or at once, starts one engine', async () => {
  const { host, started } = await openEndpoint();
  await Promise.all([host.prepare(releaseOf('1'), trial), host.prepare(releaseOf('1'), trial)]);
  await deploy(host, '1');
  expect(started).toHaveLength(1);
});

test('the same weights with another version of the prompt are another release', async () => {
  const { host, started } = await openEndpoint();
  await host.prepare(releaseOf('1'), trial);
  await host.prepare(releaseOf('1', { prompt: { name: 'p', version: '2' } }), trial);
  expect(started).toHaveLength(2);
});

test('one release is asked directly, with traffic or without', async () => {
  const { host, started } = await openEndpoint();
  await deploy(host, '1');
  await host.prepare(releaseOf('2'), trial);
  const request = { messages, maxTokens: 7 };
  expect(await host.ask(releaseOf('2'), request)).toMatchObject({ status: 200, text: 'I am 2' });
  expect(started[1]?.requests.at(-1)).toMatchObject({ messages, max_tokens: 7 });
  await expect(host.ask(releaseOf('3'), request)).rejects.toThrow('not prepared');
});

test('an endpoint can be told to serve nothing again', async () => {
  const { host, url } = await openEndpoint();
  await deploy(host, '1');
  await host.setTraffic('summaries', []);
  await host.retireIdle('summaries');
  expect((await chat(url)).status).toBe(404);
});

test.each([
  [{ '1': 50, '2': 40 }, '50 + 40 = 90'],
  [{ '1': 99.5, '2': 0.5 }, 'whole percent'],
  [{ '1': 100, '2': 0 }, 'above 0'],
])('shares of %j are refused, and nothing changes', async (percents, words) => {
  const { host } = await openEndpoint();
  await deploy(host, '1');
  await host.prepare(releaseOf('2'), trial);
  await expect(host.setTraffic('summaries', sharesOf(percents))).rejects.toThrow(words);
  expect((await host.traffic('summaries')).shares).toEqual(sharesOf({ '1': 100 }));
});

test('an engine that dies is started again', async () => {
  const { host, url, started } = await openEndpoint();
  await deploy(host, '1');
  started[0]?.crash();
  await started[0]?.exited;
  expect(await contentOf(await chat(url))).toBe('I am 1');
  expect(started).toHaveLength(2);
});

test('an endpoint that starts anew serves the split that was served, and what was prepared beside it can still take over', async () => {
  const first = await openEndpoint();
  await split(first.host, { '1': 70, '2': 30 });
  await first.host.prepare(releaseOf('3'), { ...trial, template: 'Sum up: {{text}}' });
  const second = await openEndpoint(sayVersion, { root: first.root });
  await untilReady(second.url);
  expect((await second.host.traffic('summaries')).shares).toEqual(sharesOf({ '1': 70, '2': 30 }));
  await second.host.setTraffic('summaries', sharesOf({ '3': 100 }));
  expect(await contentOf(await chat(second.url, { variables: { text: 'x' } }))).toBe('I am 3');
  expect(second.started.find(({ launch }) => launch.release.version === '3')?.requests.at(-1)).toMatchObject({
    messages: [{ role: 'user', content: 'Sum up: x' }],
  });
});

test('traffic moves to a release that is starting again once it has started', async () => {
  const first = await openEndpoint();
  await deploy(first.host, '1');
  await first.host.prepare(releaseOf('2'), trial);
  const gate = Promise.withResolvers<undefined>();
  const second = await openEndpoint(sayVersion, { root: first.root, beforeStart: () => gate.promise });
  const moved = second.host.setTraffic('summaries', sharesOf({ '2': 100 }));
  // Questions that come after it are answered before it.
  for (let n = 0; n < 20; n++) expect((await second.host.traffic('summaries')).shares).toEqual(sharesOf({ '1': 100 }));
  gate.resolve(undefined);
  expect((await moved).shares).toEqual(sharesOf({ '2': 100 }));
});

test('nobody changes what is served without the token', async () => {
  const { url, host } = await openEndpoint();
  await deploy(host, '1');
  for (const authorization of ['', 'Bearer wrong', 'Bearer secret2'])
    expect(
      (
        await fetch(`${url}/admin/endpoints/summaries/traffic`, {
          method: 'POST',
          headers: { authorization, 'content-type': 'application/json' },
          body: JSON.stringify({ shares: sharesOf({ '9': 100 }) }),
        })
      ).status,
    ).toBe(401);
  expect((await host.traffic('summaries')).shares).toEqual(sharesOf({ '1': 100 }));
});
