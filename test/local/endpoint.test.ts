import { mkdtemp, rm } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import type { EndpointHost, Release, Share } from '../../domain/release.ts';
import { createEndpointClient } from '../../local/endpoint-client.ts';
import { createEndpointServer } from '../../local/endpoint-server.ts';
import { LocalEndpoints } from '../../local/endpoints.ts';
import { answerChat, fakeEngines, type FakeEngine } from '../support/fake-engine.ts';

const opened: { server: FastifyInstance; endpoints: LocalEndpoints; root: string }[] = [];

afterEach(async () => {
  for (const { server, endpoints, root } of opened.splice(0)) {
    await server.close();
    await endpoints.close();
    await rm(root, { recursive: true, force: true });
  }
});

type Answer = (version: string, response: ServerResponse, body: Record<string, unknown>) => void;
const sayVersion: Answer = (version, response) => answerChat(response, `I am ${version}`);

async function open(answer: Answer = sayVersion, root?: string): Promise<{ host: EndpointHost; url: string; started: FakeEngine[]; root: string }> {
  const folder = root ?? (await mkdtemp(join(tmpdir(), 'tuneline-endpoint-')));
  const { launch, started } = fakeEngines(answer);
  const endpoints = new LocalEndpoints({ root: folder, launch, log: () => undefined });
  await endpoints.restore();
  const server = createEndpointServer({ endpoints, adminToken: 'secret' });
  const url = await server.listen({ host: '127.0.0.1', port: 0 });
  opened.push({ server, endpoints, root: folder });
  return { host: createEndpointClient({ url, readToken: () => Promise.resolve('secret') }), url, started, root: folder };
}

const releaseOf = (version: string): Release => ({
  endpoint: 'summaries',
  model: 'package-summaries',
  version,
  weights: { uri: 'file:///weights', digest: `sha256:${version.repeat(64).slice(0, 64)}` },
  prompt: { name: 'p', version: '1' },
});

const trial = { smokePrompt: 'hello' };
const all = (version: string): Share[] => [{ release: releaseOf(version), percent: 100 }];

async function deploy(host: EndpointHost, version: string): Promise<void> {
  await host.prepare(releaseOf(version), trial);
  await host.setTraffic('summaries', all(version));
  await host.retireIdle('summaries');
}

const chat = (url: string, body: unknown) => fetch(`${url}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

async function contentOf(answer: Response): Promise<string> {
  return ((await answer.json()) as { choices: { message: { content: string } }[] }).choices[0]?.message.content ?? '';
}

test('nothing is served before a release has the traffic', async () => {
  const { host, url } = await open();
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  expect((await fetch(`${url}/readyz`)).status).toBe(503);
  await host.prepare(releaseOf('1'), trial);
  expect((await fetch(`${url}/readyz`)).status).toBe(503);
  expect((await chat(url, { model: 'summaries', messages: [] })).status).toBe(404);
});

test('a released version answers under the endpoint name, and says which version it is', async () => {
  const { host, url, started } = await open();
  await deploy(host, '1');
  const answer = await chat(url, { model: 'summaries', messages: [{ role: 'user', content: 'hi' }], temperature: 0 });
  expect(answer.headers.get('x-tuneline-version')).toBe('package-summaries/1');
  expect(await contentOf(answer)).toBe('I am 1');
  // The engine is asked by its own name for the model; all else goes through as it came.
  expect(started[0]?.requests.at(-1)).toEqual({ model: 'the-engine-name', messages: [{ role: 'user', content: 'hi' }], temperature: 0 });
  const models = (await (await fetch(`${url}/v1/models`)).json()) as { data: { id: string; version: string }[] };
  expect(models.data).toMatchObject([{ id: 'summaries', version: 'package-summaries/1' }]);
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
});

test('a new version takes over only when told, and the old one is stopped after its last request', async () => {
  let finishSlow: (() => void) | undefined;
  const slowAsked = Promise.withResolvers<undefined>();
  const { host, url, started } = await open((version, response, body) => {
    if (JSON.stringify(body).includes('slowly')) {
      finishSlow = () => answerChat(response, `I was ${version}`);
      slowAsked.resolve(undefined);
    } else answerChat(response, `I am ${version}`);
  });
  await deploy(host, '1');
  await host.prepare(releaseOf('2'), trial);
  expect(await contentOf(await chat(url, { model: 'summaries', messages: [] }))).toBe('I am 1');
  const slow = chat(url, { model: 'summaries', messages: [{ role: 'user', content: 'slowly' }] });
  await slowAsked.promise;
  await host.setTraffic('summaries', all('2'));
  const retiring = host.retireIdle('summaries');
  expect(await contentOf(await chat(url, { model: 'summaries', messages: [] }))).toBe('I am 2');
  expect(started[0]?.stopped).toBe(false);
  finishSlow?.();
  expect(await contentOf(await slow)).toBe('I was 1');
  await retiring;
  expect(started.map((e) => e.stopped)).toEqual([true, false]);
  expect((await host.traffic('summaries')).shares).toEqual(all('2'));
});

test.each<[string, Answer]>([
  ['an empty answer', (version, response) => answerChat(response, version === '2' ? ' ' : 'fine')],
  ['an error', (version, response) => (version === '2' ? void response.writeHead(500).end('{}') : answerChat(response, 'fine'))],
  ['a broken connection', (version, response) => (version === '2' ? void response.destroy() : answerChat(response, 'fine'))],
])('%s in the smoke test leaves the previous version serving and no engine behind', async (_what, answer) => {
  const { host, url, started } = await open(answer);
  await deploy(host, '1');
  await expect(host.prepare(releaseOf('2'), trial)).rejects.toMatchObject({ name: 'SmokeTestError', message: expect.stringContaining('Version 2') });
  expect(await contentOf(await chat(url, { model: 'summaries', messages: [] }))).toBe('fine');
  expect(started.map((e) => e.stopped)).toEqual([false, true]);
  await expect(host.setTraffic('summaries', all('2'))).rejects.toThrow('not prepared');
  expect((await host.traffic('summaries')).shares).toEqual(all('1'));
});

test('preparing twice starts one engine', async () => {
  const { host, started } = await open();
  await deploy(host, '1');
  await deploy(host, '1');
  expect(started).toHaveLength(1);
});

test('streamed answers arrive part by part', async () => {
  const gate = Promise.withResolvers<undefined>();
  const { host, url } = await open((_version, response, body) => {
    if (body['stream'] !== true) {
      answerChat(response, 'fine');
      return;
    }
    response.setHeader('content-type', 'text/event-stream');
    response.write('data: first\n\n');
    void gate.promise.then(() => response.end('data: [DONE]\n\n'));
  });
  await deploy(host, '1');
  const answer = await chat(url, { model: 'summaries', messages: [], stream: true });
  expect(answer.headers.get('content-type')).toBe('text/event-stream');
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  expect((await reader?.read())?.value).toBe('data: first\n\n');
  gate.resolve(undefined);
  expect((await reader?.read())?.value).toBe('data: [DONE]\n\n');
});

test('an engine that dies is started again', async () => {
  const { host, url, started } = await open();
  await deploy(host, '1');
  started[0]?.crash();
  await started[0]?.exited;
  while ((await chat(url, { model: 'summaries', messages: [] })).status === 503) await new Promise((resolve) => setImmediate(resolve));
  expect(started).toHaveLength(2);
  expect(await contentOf(await chat(url, { model: 'summaries', messages: [] }))).toBe('I am 1');
});

test('an endpoint that starts anew serves what had the traffic', async () => {
  const first = await open();
  await deploy(first.host, '1');
  await deploy(first.host, '2');
  const second = await open(sayVersion, first.root);
  while ((await fetch(`${second.url}/readyz`)).status !== 200) await new Promise((resolve) => setImmediate(resolve));
  expect(await contentOf(await chat(second.url, { model: 'summaries', messages: [] }))).toBe('I am 2');
});

test.each([
  [{ messages: [] }, 400, '"model" is missing'],
  [{ model: 'sumaries', messages: [] }, 404, 'this endpoint serves summaries'],
])('%j is answered with what is wrong', async (body, status, words) => {
  const { host, url } = await open();
  await deploy(host, '1');
  const answer = await chat(url, body);
  expect(answer.status).toBe(status);
  expect(((await answer.json()) as { error: { message: string } }).error.message).toContain(words);
});

test('nobody changes what is served without the token', async () => {
  const { url, host } = await open();
  await deploy(host, '1');
  for (const authorization of ['', 'Bearer wrong', 'Bearer secret2'])
    expect((await fetch(`${url}/admin/endpoints/summaries/traffic`, { method: 'POST', headers: { authorization, 'content-type': 'application/json' }, body: JSON.stringify({ shares: all('9') }) })).status).toBe(401);
  expect((await host.traffic('summaries')).shares).toEqual(all('1'));
});
