import { describe, expect, test } from '@jest/globals';
import { chat, deploy, errorOf, openEndpoint } from '../support/endpoint-lab.ts';
import { until } from '../support/until.ts';
import { memoryStore, speak, idOf, away } from './feedback-builders.ts';

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
