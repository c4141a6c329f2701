import { expect, test } from '@jest/globals';
import { answerChat } from '../support/fake-engine.ts';
import { chat, contentOf, deploy, errorOf, openEndpoint, split, trial, releaseOf } from '../support/endpoint-lab.ts';

test('a released version answers under the endpoint name, and says which version it is', async () => {
  const { host, url, started } = await openEndpoint();
  await deploy(host, '1');
  const answer = await chat(url, { temperature: 0 });
  expect(answer.headers.get('x-tuneline-version')).toBe('package-summaries/1');
  // The engine is asked by its own name for the model; all else goes through as it came.
  expect(started[0]?.requests.at(-1)).toEqual({
    model: 'the-engine-name',
    messages: [{ role: 'user', content: 'hi' }],
    temperature: 0,
    max_tokens: 1024,
  });
  expect(await answer.json()).toMatchObject({
    model: 'summaries',
    id: answer.headers.get('x-request-id'),
    choices: [{ message: { content: 'I am 1' } }],
  });
  const models = (await (await fetch(`${url}/v1/models`)).json()) as { data: unknown[] };
  expect(models.data).toMatchObject([{ id: 'summaries', versions: ['package-summaries/1'] }]);
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
});

test('no two answers have one ID', async () => {
  const { host, url } = await openEndpoint();
  await deploy(host, '1');
  const ids = await Promise.all(
    Array.from({ length: 20 }, async () => ((await (await chat(url)).json()) as { id: string }).id),
  );
  expect(new Set(ids).size).toBe(20);
  for (const id of ids) expect(id).toMatch(/^chatcmpl-[0-9a-f]{32}$/);
});

const chunk = (content: string) =>
  `data: ${JSON.stringify({ id: 'engine', model: 'the-engine-name', choices: [{ index: 0, delta: { content } }] })}\n\n`;

test('streamed answers arrive part by part, under the ID of the request', async () => {
  const gate = Promise.withResolvers<undefined>();
  const { host, url } = await openEndpoint((_version, response, body) => {
    if (body['stream'] !== true) {
      answerChat(response, 'fine');
      return;
    }
    response.setHeader('content-type', 'text/event-stream');
    response.write(chunk('first sec'));
    void gate.promise.then(() => response.end(`${chunk('ond')}data: [DONE]\n\n`));
  });
  await deploy(host, '1');
  const answer = await chat(url, { stream: true });
  expect(answer.headers.get('content-type')).toBe('text/event-stream');
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  const first = String((await reader?.read())?.value);
  expect(JSON.parse(first.replace('data: ', ''))).toEqual({
    id: answer.headers.get('x-request-id'),
    model: 'summaries',
    choices: [{ index: 0, delta: { content: 'first' } }],
  });
  gate.resolve(undefined);
  let rest = '';
  for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) rest += part.value;
  // What may be half of an address is held back until the word ends.
  expect(rest).toContain(' second');
  expect(rest.endsWith('data: [DONE]\n\n')).toBe(true);
});

test.each<[object, number, string, string]>([
  [{ model: undefined }, 400, '"model" is missing', 'model'],
  [{ model: 'sumaries' }, 404, 'this endpoint serves summaries', 'model'],
  [{ messages: [] }, 400, 'at least one', 'messages'],
  [{ messages: ['hi'] }, 400, '"messages[0]" must be an object with a "role", got "hi"', 'messages'],
  [{ messages: undefined }, 400, 'either "messages", or "variables"', 'messages'],
  [{ stream: 'yes' }, 400, '"stream" must be true or false, got "yes"', 'stream'],
  [{ max_tokens: 0.5 }, 400, '"max_tokens" must be a whole number above 0, got 0.5', 'max_tokens'],
  [{ n: 3 }, 400, '"n" must be 1', 'n'],
  [{ variables: { text: 3 } }, 400, '"variables.text" must be a string, got 3', 'variables'],
  [{ variables: {} }, 400, '"variables" lacks text, title: the prompt p, version 1, needs text, title', 'variables'],
])(
  '%j is answered with what is wrong, in the shape of OpenAI, and reaches no engine',
  async (body, status, words, param) => {
    const { host, url, started } = await openEndpoint();
    await deploy(host, '1', 'Sum up {{ text }} of {{title}}, {{text}}.');
    const asked = started[0]?.requests.length;
    const answer = await chat(url, body);
    expect(answer.status).toBe(status);
    expect(answer.headers.get('x-request-id')).toMatch(/^chatcmpl-/);
    expect(await errorOf(answer)).toMatchObject({
      message: expect.stringContaining(words),
      type: 'invalid_request_error',
      param,
    });
    expect(started[0]?.requests).toHaveLength(asked ?? -1);
  },
);

test.each([
  ['{"model": ', 400],
  [JSON.stringify({ model: 'summaries', messages: [{ role: 'user', content: 'x'.repeat(1024 * 1024) }] }), 413],
])('a body that begins %.12s is refused', async (body, status) => {
  const { host, url } = await openEndpoint();
  await deploy(host, '1');
  const answer = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  expect(answer.status).toBe(status);
  expect(await errorOf(answer)).toMatchObject({ type: 'invalid_request_error' });
});

test('the prompt of each release is applied on the server, by its version', async () => {
  const { host, url, started } = await openEndpoint();
  await host.prepare(releaseOf('1'), { ...trial, template: 'Sum up {{ text }}, {{text}}.' });
  await host.prepare(releaseOf('2'), { ...trial, template: 'In a line: {{text}}' });
  for (const [index, version, content] of [
    [0, '1', 'Sum up {{text}}, {{text}}.'],
    [1, '2', 'In a line: {{text}}'],
  ] as const) {
    await split(host, { [version]: 100 });
    // A value's own braces stay as they are.
    expect((await chat(url, { variables: { text: '{{text}}', more: 'ignored' } })).status).toBe(200);
    expect(started[index]?.requests.at(-1)).toEqual({
      model: 'the-engine-name',
      messages: [{ role: 'user', content }],
      max_tokens: 1024,
    });
  }
});

test('what the engine refuses, the client is told in its words', async () => {
  const { host, url } = await openEndpoint((_version, response, body) => {
    if (body['temperature'] === 9)
      response.writeHead(422, { 'content-type': 'application/json' }).end('{"detail": "temperature is too high"}');
    else answerChat(response, 'fine');
  });
  await deploy(host, '1');
  const answer = await chat(url, { temperature: 9 });
  expect(answer.status).toBe(422);
  expect(await errorOf(answer)).toMatchObject({ message: 'temperature is too high', type: 'invalid_request_error' });
  expect(await contentOf(await chat(url))).toBe('fine');
});
