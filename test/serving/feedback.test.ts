import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { evaluationExamples, preferencePairs, type RatedAnswer } from '../../domain/serving/preference-pairs.ts';
import { defaultServing } from '../../domain/serving/serving-settings.ts';
import type { Feedback, RequestTrace, TraceStore } from '../../domain/serving/trace-store.ts';
import { createMlflow } from '../../mlflow/index.ts';
import { createTraceStore, ratedAnswers } from '../../mlflow/trace-store.ts';
import type { Exchange } from '../../serving/exchange.ts';
import { RequestTraces } from '../../serving/request-traces.ts';
import { answerChat } from '../support/fake-engine.ts';
import { chat, deploy, errorOf, openEndpoint, releaseOf, trial } from '../support/endpoint-lab.ts';
import { openMlflow, type MlflowServer } from '../support/mlflow-server.ts';
import { until } from '../support/until.ts';

const exchange = (n: number, more: Partial<Exchange> = {}): Exchange => ({
  ...{
    id: `chatcmpl-${n.toString(16).padStart(32, '0')}`,
    release: releaseOf('1'),
    atMs: n,
    status: 200,
    ms: 1,
    messages: [{ role: 'user', content: 'hi' }],
    answer: 'hello',
    completionTokens: 1,
  },
  ...more,
});
const idOf = (n: number): string => exchange(n).id;
const said = (n: number, more: Partial<Feedback> = {}): Feedback => ({
  id: idOf(n),
  rating: 1,
  author: 'ada',
  ...more,
});

/** A store in memory that does as it is told first. */
function memoryStore(before: () => Promise<void> = () => Promise.resolve()) {
  const traces: RequestTrace[] = [];
  const assessed: Feedback[] = [];
  const store: TraceStore = {
    async write(trace) {
      await before();
      traces.push(trace);
    },
    async assess(_endpoint, feedback) {
      await before();
      if (!traces.some(({ id }) => id === feedback.id))
        throw Object.assign(new Error('no such trace'), { kind: 'notFound', retryable: false });
      assessed.push(feedback);
    },
  };
  return { store, traces, assessed };
}

const away = (): Promise<void> =>
  Promise.reject(Object.assign(new Error('MLflow is away'), { kind: 'unreachable', retryable: true }));
const pausesMs = { first: 1, longest: 5 };

function tracesOn(store: TraceStore, more: { remembered?: number; queued?: number } = {}) {
  const drops: string[] = [];
  return {
    drops,
    requestTraces: new RequestTraces({
      store,
      log: () => undefined,
      onDrop: (kind, reason) => drops.push(`${kind}: ${reason}`),
      pausesMs,
      ...more,
    }),
  };
}

describe('what an answer leaves behind', () => {
  test('is traced if it is of the sample, or if someone says something of it, without personal data', async () => {
    const { store, traces, assessed } = memoryStore();
    const { requestTraces } = tracesOn(store);
    requestTraces.add(exchange(1), false);
    requestTraces.add(exchange(2), true);
    requestTraces.add(
      exchange(3, {
        messages: [{ role: 'user', content: 'I am ada@example.org' }],
        variables: { text: 'ada@example.org' },
        answer: 'Call +49 30 1234567.',
      }),
      false,
    );
    expect(
      await requestTraces.feedback(said(3, { correction: 'Call 192.168.0.1', comment: 'by joan@example.org' }), [
        'summaries',
      ]),
    ).toBe('summaries');
    await requestTraces.close();
    expect(traces.map(({ id }) => id)).toEqual([idOf(2), idOf(3)]);
    expect(traces[1]).toMatchObject({
      messages: [{ role: 'user', content: 'I am [EMAIL]' }],
      variables: { text: '[EMAIL]' },
      answer: 'Call [PHONE].',
    });
    expect(assessed).toEqual([said(3, { correction: 'Call [IP]', comment: 'by [EMAIL]' })]);
  });

  test('is forgotten after so many more, and then only a trace that is kept can be spoken of', async () => {
    const { store, traces, assessed } = memoryStore();
    const { requestTraces } = tracesOn(store, { remembered: 10 });
    for (let n = 0; n < 30; n++) requestTraces.add(exchange(n), n === 5);
    await until(() => Promise.resolve(traces.length === 1));
    expect(await requestTraces.feedback(said(4), ['summaries'])).toBeUndefined();
    expect(await requestTraces.feedback(said(5), ['summaries'])).toBe('summaries');
    expect(await requestTraces.feedback(said(25), ['summaries'])).toBe('summaries');
    await requestTraces.close();
    expect(assessed.map(({ id }) => id)).toEqual([idOf(5), idOf(25)]);
  });

  test('waits while the store is away, within bounds; feedback goes before what was traced by chance, and what is dropped is told', async () => {
    let isAway = true;
    const { store, traces, assessed } = memoryStore(() => (isAway ? away() : Promise.resolve()));
    const { requestTraces, drops } = tracesOn(store, { queued: 5 });
    for (let n = 0; n < 8; n++) requestTraces.add(exchange(n), n < 7);
    expect(drops).toEqual(['trace: queue full', 'trace: queue full']);
    await requestTraces.feedback(said(7), ['summaries']);
    expect(drops.slice(2)).toEqual(['trace: queue full', 'trace: queue full'].slice(0, drops.length - 2));
    isAway = false;
    await until(() => Promise.resolve(traces.length >= 4));
    await requestTraces.close();
    expect(traces.length + drops.filter((drop) => drop.startsWith('trace')).length).toBe(8);
    expect(assessed.length + drops.filter((drop) => drop.startsWith('feedback')).length).toBe(1);
  });

  test('that the store refuses for good does not hold up what comes after', async () => {
    let refusals = 1;
    const { store, traces } = memoryStore(() =>
      refusals-- > 0 ? Promise.reject(Object.assign(new Error('too long'), { retryable: false })) : Promise.resolve(),
    );
    const { requestTraces, drops } = tracesOn(store);
    requestTraces.add(exchange(1), true);
    requestTraces.add(exchange(2), true);
    await requestTraces.close();
    expect(traces.map(({ id }) => id)).toEqual([idOf(2)]);
    expect(drops).toEqual(['trace: refused']);
  });
});

const speak = (url: string, body: unknown): Promise<Response> =>
  fetch(`${url}/v1/feedback`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

describe('feedback over HTTP', () => {
  test('finds the answer by its ID, and is part of what was observed and counted', async () => {
    const { store, assessed } = memoryStore();
    const { host, url } = await openEndpoint(undefined, { traces: store });
    await deploy(host, '1');
    const { id } = (await (await chat(url)).json()) as { id: string };
    expect((await speak(url, { id, rating: -1, correction: 'better', comment: 'too short' })).status).toBe(202);
    await until(() => Promise.resolve(assessed.length === 1));
    expect(assessed).toEqual([{ id, rating: -1, correction: 'better', comment: 'too short', author: 'client' }]);
    expect(await host.observe('summaries', 0)).toMatchObject([{ id, rating: -1 }]);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain('tuneline_endpoint_feedback_total{endpoint="summaries",rating="bad"} 1');
    expect(metrics).toContain('tuneline_endpoint_requests_total{endpoint="summaries",version="1",status="200"} 1');
    expect(metrics).toContain('tuneline_endpoint_request_seconds_count{endpoint="summaries",version="1"} 1');
  });

  test.each<[unknown, number, string]>([
    [{ id: idOf(1), rating: 1 }, 404, 'is known any more'],
    [{ id: '../secret', rating: 1 }, 400, '"id" must be that of an answer'],
    [{ id: idOf(1), rating: 7 }, 400, '"rating" must be a number from -1, bad, to 1, good, got 7'],
    [{ id: idOf(1), rating: 1, comment: '' }, 400, '"comment" must be a text'],
    [{ id: idOf(1), rating: 1, stars: 5 }, 400, '"stars" is unknown'],
    [[], 400, '"id"'],
  ])('%j is answered with what is wrong', async (body, status, words) => {
    const { url } = await openEndpoint();
    const answer = await speak(url, body);
    expect(answer.status).toBe(status);
    expect((await errorOf(answer)).message).toContain(words);
  });

  test('no client waits for a store that hangs, nor fails for one that is away', async () => {
    const { host, url } = await openEndpoint(undefined, {
      traces: { write: () => new Promise(() => undefined), assess: away },
      random: () => 0,
    });
    await deploy(host, '1');
    const answers = await Promise.all(Array.from({ length: 50 }, () => chat(url)));
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
    const { id } = (await answers[0]?.json()) as { id: string };
    expect((await speak(url, { id, rating: 1 })).status).toBe(202);
  });
});

describe('what was said becomes', () => {
  const rated = (answer: string, rating: number, more: Partial<RatedAnswer> = {}): RatedAnswer => ({
    id: 'i',
    version: 'm/1',
    author: 'ada',
    messages: [{ role: 'user', content: 'Sum up x' }],
    answer,
    rating,
    ...more,
  });

  test('pairs: a correction against its answer, and a good answer against a bad one to the same prompt', () => {
    expect(
      preferencePairs([
        rated('a', 1),
        rated('b', -1),
        rated('b', -1),
        rated('c', -1, { correction: 'd' }),
        rated('e', -1, { messages: [{ role: 'user', content: 'other' }] }),
        rated('f', 0.5, { correction: 'f' }),
      ]),
    ).toEqual([
      { prompt: 'Sum up x', chosen: 'd', rejected: 'c' },
      { prompt: 'Sum up x', chosen: 'a', rejected: 'b' },
      { prompt: 'Sum up x', chosen: 'a', rejected: 'c' },
      { prompt: 'Sum up x', chosen: 'f', rejected: 'b' },
      { prompt: 'Sum up x', chosen: 'f', rejected: 'c' },
    ]);
  });

  test('an evaluation set: what was corrected or called good, with the columns of the prompt where they are known, and the last word on each', () => {
    const variables = { text: 'x' };
    expect(
      evaluationExamples([
        rated('a', 1, { variables }),
        rated('b', -1),
        rated('c', -1, { variables, correction: 'd' }),
        rated('e', 0.5),
      ]),
    ).toEqual([
      { text: 'x', target: 'd' },
      { prompt: 'Sum up x', target: 'e' },
    ]);
  });
});

describe('on a real MLflow', () => {
  let server: MlflowServer;
  beforeAll(async () => {
    server = await openMlflow();
  }, 120_000);
  afterAll(() => server.stop());

  test('requests are traces, feedback is an assessment on them, and both come back as what to learn from', async () => {
    const mlflow = createMlflow({ trackingUri: server.trackingUri });
    const { host, url } = await openEndpoint((_version, response) => answerChat(response, 'A poor answer.'), {
      traces: createTraceStore(mlflow),
    });
    const release = releaseOf('1', { serving: { ...defaultServing, traceShare: 0 } });
    await host.prepare(release, { ...trial, template: 'Sum up: {{text}}' });
    await host.setTraffic('summaries', [{ release, percent: 100 }]);
    const { id } = (await (await chat(url, { variables: { text: 'Ünicode by ada@example.org' } })).json()) as {
      id: string;
    };
    await chat(url, { variables: { text: 'nobody speaks of this' } });
    for (const rating of [1, -1])
      expect(
        (await speak(url, { id, rating, correction: `A better answer, ${rating}.`, comment: 'too poor' })).status,
      ).toBe(202);
    const rated = await until(async () => {
      const all: RatedAnswer[] = [];
      for await (const one of ratedAnswers(mlflow, 'summaries')) all.push(one);
      return all[0]?.rating === -1 && all;
    });
    expect(rated).toEqual([
      {
        ...{
          id,
          version: 'package-summaries/1',
          author: 'client',
          answer: 'A poor answer.',
          rating: -1,
          correction: 'A better answer, -1.',
          comment: 'too poor',
        },
        ...{
          messages: [{ role: 'user', content: 'Sum up: Ünicode by [EMAIL]' }],
          variables: { text: 'Ünicode by [EMAIL]' },
        },
      },
    ]);
    expect(preferencePairs(rated)).toEqual([
      { prompt: 'Sum up: Ünicode by [EMAIL]', chosen: 'A better answer, -1.', rejected: 'A poor answer.' },
    ]);
    // A request that is known nowhere is no trace.
    expect((await speak(url, { id: idOf(7), rating: 1 })).status).toBe(404);
  });
});
