import type { Feedback, RequestTrace, TraceStore } from '../../domain/serving/trace-store.ts';
import type { Exchange } from '../../serving/exchange.ts';
import { releaseOf } from '../support/endpoint-lab.ts';

export const exchange = (n: number, more: Partial<Exchange> = {}): Exchange => ({
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
export const idOf = (n: number): string => exchange(n).id;
export const said = (n: number, more: Partial<Feedback> = {}): Feedback => ({
  id: idOf(n),
  rating: 1,
  author: 'ada',
  ...more,
});

/** A store in memory that does as it is told first. */
export function memoryStore(before: () => Promise<void> = () => Promise.resolve()) {
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

export const away = (): Promise<void> =>
  Promise.reject(Object.assign(new Error('MLflow is away'), { kind: 'unreachable', retryable: true }));

export const speak = (url: string, body: unknown): Promise<Response> =>
  fetch(`${url}/v1/feedback`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
