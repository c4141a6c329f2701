import { describe, expect, test } from '@jest/globals';
import type { TraceStore } from '../../domain/serving/trace-store.ts';
import { RequestTraces } from '../../serving/request-traces.ts';
import { until } from '../support/until.ts';
import { memoryStore, exchange, said, idOf, away } from './feedback-builders.ts';

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
