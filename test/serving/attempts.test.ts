import { describe, expect, test } from '@jest/globals';
import { releaseId } from '../../domain/endpoint/release.ts';
import { defaultServing } from '../../domain/serving/serving-settings.ts';
import { answerChat } from '../support/fake-engine.ts';
import {
  chat,
  contentOf,
  deploy,
  errorOf,
  openEndpoint,
  releaseOf,
  seeded,
  split,
  trial,
  type Answer,
} from '../support/endpoint-lab.ts';

async function versionsOf(
  url: string,
  requests: number,
  body: (n: number) => object = () => ({}),
): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (let n = 0; n < requests; n += 20) {
    const answers = await Promise.all(Array.from({ length: 20 }, (_, k) => chat(url, body(n + k))));
    for (const text of await Promise.all(answers.map(contentOf))) counts[text] = (counts[text] ?? 0) + 1;
  }
  return counts;
}

test('requests are split by weight', async () => {
  const { host, url } = await openEndpoint(undefined, { random: seeded(7) });
  await split(host, { '1': 90, '2': 10 });
  const requests = 1000;
  const counts = await versionsOf(url, requests);
  // Four standard deviations of a binomial: one seed in 16,000 lies outside.
  const allowed = 4 * Math.sqrt(requests * 0.1 * 0.9);
  expect(Math.abs((counts['I am 2'] ?? 0) - 100)).toBeLessThan(allowed);
  expect((counts['I am 1'] ?? 0) + (counts['I am 2'] ?? 0)).toBe(requests);
});

test('all requests for one user get one release, and users are split', async () => {
  const { host, url } = await openEndpoint();
  await split(host, { '1': 50, '2': 50 });
  const of = (user: string) => versionsOf(url, 20, () => ({ user }));
  const seen = await Promise.all(['ada', 'grace', 'joan', 'kay', 'mary', 'frances'].map(of));
  for (const counts of seen) expect(Object.values(counts)).toEqual([20]);
  expect(new Set(seen.flatMap((counts) => Object.keys(counts))).size).toBe(2);
});

const failing: [string, Answer][] = [
  ['answers 500', (_version, response) => void response.writeHead(500).end('{}')],
  ['breaks off', (_version, response) => void response.destroy()],
  [
    'breaks off in the middle of its answer',
    (_version, response) => (
      response.writeHead(200, { 'content-length': '100' }),
      response.write('{"choices"'),
      setImmediate(() => response.destroy()),
      undefined
    ),
  ],
  ['says what is no JSON', (_version, response) => void response.end('oops')],
  [
    'ends its stream before it began',
    (_version, response) => void response.writeHead(200, { 'content-type': 'text/event-stream' }).end(),
  ],
];

test.each(failing)('while one release %s, another answers and no client notices', async (_what, fail) => {
  let bad = false;
  const { host, url } = await openEndpoint((version, response, body) =>
    version === '2' && bad ? fail(version, response, body) : answerChat(response, `I am ${version}`),
  );
  await split(host, { '1': 50, '2': 50 });
  bad = true;
  expect(await versionsOf(url, 60)).toEqual({ 'I am 1': 60 });
});

test.each([
  ['two releases', { '1': 50, '2': 50 }],
  ['one, which is started again', { '2': 100 }],
])('an engine of %s that dies under load fails no request', async (_what, percents) => {
  const requests = 120;
  let asked = 0;
  const crashed = Promise.withResolvers<undefined>();
  const lab = await openEndpoint((version, response, body) => {
    if (!JSON.stringify(body).includes('load')) answerChat(response, 'fine');
    // Some are in the engine when it dies, some come while nothing listens.
    else if (version === '2' && lab.started.filter(({ launch }) => launch.release.version === '2').length === 1) {
      asked += 1;
      if (asked === 10)
        setImmediate(() => {
          lab.started.find(({ launch }) => launch.release.version === '2')?.crash();
          crashed.resolve(undefined);
        });
    } else setImmediate(() => answerChat(response, 'fine'));
  });
  await split(lab.host, percents);
  const load = () => chat(lab.url, { messages: [{ role: 'user', content: 'load' }] });
  const answers = Array.from({ length: requests / 2 }, load);
  await crashed.promise;
  answers.push(...Array.from({ length: requests / 2 }, load));
  expect((await Promise.all(answers)).filter(({ status }) => status !== 200)).toEqual([]);
});

test('a request that breaks every engine it reaches is given up', async () => {
  let poisoned = 0;
  const { host, url } = await openEndpoint((_version, response, body) => {
    if (!JSON.stringify(body).includes('poison')) answerChat(response, 'fine');
    else {
      poisoned += 1;
      response.destroy();
    }
  });
  await deploy(host, '1');
  const answer = await chat(url, { messages: [{ role: 'user', content: 'poison' }] });
  expect(answer.status).toBe(502);
  expect(await errorOf(answer)).toMatchObject({
    type: 'server_error',
    code: 'engine_failed',
    message: expect.stringContaining('broke off 3 times'),
  });
  expect(poisoned).toBe(3);
});

test('the only release that answers 500 is not asked again', async () => {
  let failed = 0;
  const { host, url } = await openEndpoint((_version, response, body) => {
    if (!JSON.stringify(body).includes('fail')) answerChat(response, 'fine');
    else {
      failed += 1;
      response.writeHead(500).end('{}');
    }
  });
  await deploy(host, '1');
  const answer = await chat(url, { messages: [{ role: 'user', content: 'fail' }] });
  expect(answer.status).toBe(502);
  expect((await errorOf(answer)).message).toContain('the engine of version 1 answered 500');
  expect(failed).toBe(1);
});

test('a stream that breaks after its first words says so in the stream', async () => {
  const { host, url } = await openEndpoint((_version, response, body) => {
    if (body['stream'] !== true) answerChat(response, 'fine');
    else {
      response
        .writeHead(200, { 'content-type': 'text/event-stream' })
        .write('data: {"choices":[{"delta":{"content":"first words"}}]}\n\n');
      setImmediate(() => response.destroy());
    }
  });
  await deploy(host, '1');
  const text = await (await chat(url, { stream: true })).text();
  expect(text).toContain('first');
  expect(JSON.parse(text.trim().split('data: ').at(-1) ?? '')).toMatchObject({ error: { code: 'engine_failed' } });
  expect(text).not.toContain('[DONE]');
});

describe('a release that hangs', () => {
  /** Both have traffic, and time enough for an answer on a slow machine; the given one has every request that names no user. */
  async function openSplit(version: '1' | '2', answer: Answer) {
    const lab = await openEndpoint(
      (of, response, body) =>
        JSON.stringify(body).includes('live') ? answer(of, response, body) : answerChat(response, 'fine'),
      { random: () => (version === '1' ? 0 : 0.99) },
    );
    const shares = ['1', '2'].map((name) => ({
      release: releaseOf(name, { serving: { ...defaultServing, timeoutSeconds: 4 } }),
      percent: 50,
    }));
    for (const { release } of shares) await lab.host.prepare(release, trial);
    await lab.host.setTraffic('summaries', shares);
    const [one = '', two = ''] = shares.map(({ release }) => releaseId(release));
    const statusesOf = async (id: string) =>
      (await lab.host.observe('summaries', 0)).filter(({ release }) => release === id).map(({ status }) => status);
    return {
      ask: (more: object = {}) => chat(lab.url, { messages: [{ role: 'user', content: 'live' }], ...more }),
      seen: async () => ({ one: await statusesOf(one), two: await statusesOf(two) }),
    };
  }

  test.each([false, true])(
    'costs no client its answer while another has traffic, and the request counts against it (streamed: %s)',
    async (stream) => {
      const left = Promise.withResolvers<undefined>();
      const { ask, seen } = await openSplit('2', (version, response) => {
        if (version === '2') response.once('close', () => left.resolve(undefined));
        else if (!stream) answerChat(response, 'I am 1');
        else
          response
            .writeHead(200, { 'content-type': 'text/event-stream' })
            .end('data: {"choices":[{"delta":{"content":"I am 1"},"finish_reason":"stop"}]}\n\n');
      });
      const answer = await ask({ stream });
      expect([answer.status, answer.headers.get('x-tuneline-version')]).toEqual([200, 'package-summaries/1']);
      expect(await answer.text()).toContain('I am 1');
      expect(await seen()).toEqual({ one: [200], two: [504] });
      // Its engine is told to stop.
      await left.promise;
    },
  );

  test('only for a while answers all the same, and whoever was asked beside it is held nothing against', async () => {
    let answerSlowly: (() => void) | undefined;
    const left = Promise.withResolvers<undefined>();
    const { ask, seen } = await openSplit('1', (version, response) => {
      if (version === '1') answerSlowly = () => answerChat(response, 'a long answer');
      else {
        response.once('close', () => left.resolve(undefined));
        answerSlowly?.();
      }
    });
    expect(await contentOf(await ask())).toBe('a long answer');
    await left.promise;
    expect(await seen()).toEqual({ one: [200], two: [] });
  });

  test('beside one that fails is waited for to the end', async () => {
    let answerSlowly: (() => void) | undefined;
    const { ask, seen } = await openSplit('1', (version, response) => {
      if (version === '1') answerSlowly = () => answerChat(response, 'a long answer');
      else {
        response.once('finish', () => setImmediate(() => answerSlowly?.()));
        response.writeHead(500).end('{}');
      }
    });
    expect(await contentOf(await ask())).toBe('a long answer');
    expect(await seen()).toEqual({ one: [200], two: [500] });
  });

  test('alone is asked once, until the time is over', async () => {
    let asked = 0;
    const { host, url } = await openEndpoint((_version, response, body) =>
      JSON.stringify(body).includes('live') ? void (asked += 1) : answerChat(response, 'fine'),
    );
    const release = releaseOf('1', { serving: { ...defaultServing, timeoutSeconds: 1 } });
    await host.prepare(release, trial);
    await host.setTraffic('summaries', [{ release, percent: 100 }]);
    const answer = await chat(url, { messages: [{ role: 'user', content: 'live' }] });
    expect([answer.status, (await errorOf(answer)).code, asked]).toEqual([504, 'timeout', 1]);
  });
});
