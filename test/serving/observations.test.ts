import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { isRefusal, repetitionOf } from '../../domain/serving/answer-stats.ts';
import { type Observation, releaseId } from '../../domain/endpoint/release.ts';
import { Observations } from '../../serving/observations.ts';
import { chat, deploy, openEndpoint, releaseOf, seeded, split } from '../support/endpoint-lab.ts';
import { answerChat } from '../support/fake-engine.ts';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tuneline-observations-'));
  path = join(folder, 'summaries', 'observations.jsonl');
});
afterEach(() => rm(folder, { recursive: true }));

const observed = (n: number): Observation => ({
  ...{ id: `request-${n}`, release: 'a', atMs: n, status: 200, ms: 1, promptCharacters: 1 },
  ...{ answerCharacters: 1, completionTokens: 1, refused: false, repetition: 0 },
});
const idsOf = (observations: Observations, sinceMs = 0): string[] => observations.since(sinceMs).map(({ id }) => id);
const open = (keep = 10): Observations => new Observations({ keep, path, log: (message) => expect(message).toBe('') });

test('the newest are kept, in memory and over a restart, however many came', async () => {
  const observations = open();
  for (let n = 0; n < 57; n++) {
    observations.add(observed(n));
    if (n % 7 === 0) await observations.flush();
  }
  await observations.flush();
  const newest = Array.from({ length: 10 }, (_, n) => `request-${n + 47}`);
  expect(idsOf(observations)).toEqual(newest);
  expect(idsOf(observations, 55)).toEqual(['request-55', 'request-56']);
  expect(idsOf(open())).toEqual(newest);
  expect((await readFile(path, 'utf8')).split('\n').length).toBeLessThanOrEqual(21);
});

test('a rating that came later is of the answer, and is still there after a restart', async () => {
  const observations = open();
  observations.add({ ...observed(1), status: 0 });
  observations.add({ ...observed(1), release: 'b' });
  observations.rate('request-1', -1);
  observations.rate('unknown', 1);
  await observations.flush();
  for (const seen of [observations, open()])
    expect(seen.since(0).map(({ release, rating }) => [release, rating])).toEqual([
      ['a', undefined],
      ['b', -1],
    ]);
});

test('half a line, which a crash left, takes no other with it', async () => {
  const before = open();
  before.add(observed(1));
  await before.flush();
  await appendFile(path, '\n{"id": "half');
  const after = open();
  after.add(observed(2));
  await after.flush();
  expect(idsOf(open())).toEqual(['request-1', 'request-2']);
});

test('a disk that takes nothing loses what was to be kept, and nothing else', async () => {
  const said: string[] = [];
  await writeFile(join(folder, 'file'), '');
  const observations = new Observations({
    path: join(folder, 'file', 'observations.jsonl'),
    log: (message) => said.push(message),
  });
  observations.add(observed(1));
  await observations.flush();
  expect(idsOf(observations)).toEqual(['request-1']);
  expect(said).toHaveLength(1);
});

test('the endpoint tells what each release did, also where another one helped the client', async () => {
  let bad = false;
  const answer = 'a b c d a b c d';
  const { host, url, root } = await openEndpoint(
    (version, response) => (version === '2' && bad ? void response.destroy() : answerChat(response, answer)),
    { random: seeded(3) },
  );
  await split(host, { '1': 50, '2': 50 });
  bad = true;
  const startedMs = Date.now();
  for (let n = 0; n < 20; n++) expect((await chat(url)).status).toBe(200);
  const seen = await host.observe('summaries', startedMs);
  const of = (version: string) => seen.filter(({ release }) => release === releaseId(releaseOf(version)));
  expect(of('1')).toHaveLength(20);
  for (const one of of('1'))
    expect(one).toMatchObject({
      status: 200,
      promptCharacters: 2,
      answerCharacters: answer.length,
      refused: false,
      repetition: expect.closeTo(1 / 5),
    });
  expect(of('2').length).toBeGreaterThan(0);
  for (const one of of('2')) expect(one).toMatchObject({ status: 0, answerCharacters: 0 });
  expect(await host.observe('summaries', Date.now() + 1)).toEqual([]);
  const again = await openEndpoint(undefined, { root });
  expect(await again.host.observe('summaries', startedMs)).toEqual(seen);
});

test('a stream is observed when it ends', async () => {
  const { host, url } = await openEndpoint((_version, response, body) => {
    if (body['stream'] !== true) answerChat(response, 'fine');
    else
      response
        .writeHead(200, { 'content-type': 'text/event-stream' })
        .end(
          'data: {"choices":[{"delta":{"content":"one "}}]}\n\ndata: {"choices":[{"delta":{"content":"two"}}]}\n\ndata: [DONE]\n\n',
        );
  });
  await deploy(host, '1');
  await (await chat(url, { stream: true })).text();
  expect(await host.observe('summaries', 0)).toMatchObject([{ status: 200, answerCharacters: 7, completionTokens: 2 }]);
});

describe('an answer', () => {
  test.each([
    ['', 0],
    ['one two three', 0],
    ['one two three four', 0],
    ['One two, three four; one two three four.', 1 / 5],
    ['ja ja ja ja ja', 1 / 2],
  ])('%j repeats %f of itself', (answer, share) => expect(repetitionOf(answer)).toBeCloseTo(share));

  test.each([
    "I'm sorry, but I can't help with that.",
    'I cannot do that.',
    'Sorry, no.',
    'As an AI language model I have no opinion.',
    'Unfortunately, I am not able to.',
    'I am unable to write it.',
  ])('%j declines', (answer) => expect(isRefusal(answer)).toBe(true));
  test.each([
    'tool that says sorry',
    'In a can: not a problem',
    'library for I/O',
    'I like it.',
    'unfortunate events, as a game',
    'cannot-find: search tool',
  ])('%j does not', (answer) => expect(isRefusal(answer)).toBe(false));
});
