import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { afterEach, expect, test } from '@jest/globals';
import { startLoad, type Load } from '../../../scripts/demo/load.ts';
import { answerChat } from '../../support/fake-engine.ts';
import { until } from '../../support/until.ts';

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** Answers the nth request as told. */
async function listen(
  answer: (response: ServerResponse, body: Record<string, unknown>, n: number) => void,
): Promise<string> {
  let n = 0;
  server = createServer((request, response) => {
    void (async () => {
      let text = '';
      for await (const part of request) text += String(part);
      answer(response, JSON.parse(text) as Record<string, unknown>, (n += 1));
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
}

const options = { model: 'summaries', prompts: () => 'a prompt', perSecond: 200 };
const after = (load: Load, requests: number): Promise<true> =>
  until(() => Promise.resolve(load.counts().requests >= requests));

test('it asks as clients do, and counts what each version answered', async () => {
  const bodies: unknown[] = [];
  let next = 0;
  const url = await listen((response, body, n) => {
    bodies.push(body);
    response.setHeader('x-tuneline-version', `summaries/${n % 2 === 0 ? 2 : 1}`);
    answerChat(response, 'fine');
  });
  const load = startLoad({ ...options, url, prompts: () => `prompt ${(next += 1)}`, maxTokens: 3 });
  await after(load, 4);
  const { requests, failedRequests, answeredBy } = await load.stop();
  expect(bodies.slice(0, 2)).toEqual(
    [1, 2].map((i) => ({ model: 'summaries', max_tokens: 3, messages: [{ role: 'user', content: `prompt ${i}` }] })),
  );
  expect([requests, failedRequests]).toEqual([bodies.length, 0]);
  expect((answeredBy['summaries/1'] ?? 0) + (answeredBy['summaries/2'] ?? 0)).toBe(requests);
  expect(Math.abs((answeredBy['summaries/1'] ?? 0) - (answeredBy['summaries/2'] ?? 0))).toBeLessThanOrEqual(1);
});

test.each<[string, (response: ServerResponse) => void, RegExp]>([
  [
    'an error',
    (response) =>
      void response.writeHead(503, { 'content-type': 'application/json' }).end('{"error": {"code": "not_ready"}}'),
    /^503 not_ready$/,
  ],
  ['no choice', (response) => void response.end('{"choices": []}'), /^200 without a choice$/],
  ['what is no JSON', (response) => void response.end('<html>'), /JSON/],
  ['nothing, and breaks off', (response) => void response.destroy(), /^UND_ERR_SOCKET$|^ECONNRESET$/],
])('an answer that is %s is a request that failed, and why', async (_what, fail, reason) => {
  const url = await listen((response, _body, n) => (n === 1 ? fail(response) : answerChat(response, 'fine')));
  const load = startLoad({ ...options, url });
  await after(load, 2);
  const { requests, failedRequests, failures } = await load.stop();
  expect(failedRequests).toBe(1);
  expect(requests).toBeGreaterThan(1);
  expect(Object.entries(failures)).toEqual([[expect.stringMatching(reason), 1]]);
});

test('nobody who listens is a failure, too', async () => {
  const url = await listen(() => undefined);
  server?.close();
  const load = startLoad({ ...options, url });
  await after(load, 1);
  const { requests, failedRequests, failures } = await load.stop();
  expect([failedRequests, failures]).toEqual([requests, { ECONNREFUSED: requests }]);
});

test('told to stop, it waits for what is in flight; cut off, it counts none of that', async () => {
  const held: ServerResponse[] = [];
  let asked = 0;
  let answers = false;
  const url = await listen((response) => {
    asked += 1;
    if (answers) answerChat(response, 'fine');
    else held.push(response);
  });
  const load = startLoad({ ...options, url });
  await until(() => Promise.resolve(held.length > 0));
  const stopped = load.stop();
  // One may have been sent, and be here only after these.
  answers = true;
  for (const response of held.splice(0)) answerChat(response, 'fine');
  const { requests, failedRequests } = await stopped;
  expect([requests, failedRequests]).toEqual([asked, 0]);
  answers = false;

  const cut = new AbortController();
  const other = startLoad({ ...options, url, signal: cut.signal });
  await until(() => Promise.resolve(held.length > 0));
  cut.abort();
  expect(await other.stop()).toMatchObject({ requests: 0, failedRequests: 0 });
});

test('it does not heap up what an engine is too slow for', async () => {
  const held: ServerResponse[] = [];
  const url = await listen((response) => void held.push(response));
  const load = startLoad({ ...options, url, perSecond: 10_000 });
  await until(() => Promise.resolve(held.length === 16));
  for (const response of held.splice(0)) answerChat(response, 'fine');
  await until(() => Promise.resolve(held.length === 16));
  const stopped = load.stop();
  for (const response of held.splice(0)) answerChat(response, 'fine');
  expect((await stopped).requests).toBe(32);
});
