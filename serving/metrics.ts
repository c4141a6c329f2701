import { Counter, Histogram, Registry } from 'prom-client';
import type { Exchange } from './exchange.ts';
import type { GuardDecision } from './chat.ts';

/** From milliseconds for a refusal to the longest timeout. */
const secondsBuckets = [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100];

/** Prometheus metrics of the requests. Uses its own registry, because one process may have several servers. */
export function createServingMetrics() {
  const registers = [new Registry()];
  const of = ['endpoint', 'version'] as const;
  const requests = new Counter({
    name: 'tuneline_endpoint_requests_total',
    help: 'Requests that a release answered or failed; status 0 where its engine broke off.',
    labelNames: [...of, 'status'],
    registers,
  });
  const seconds = new Histogram({
    name: 'tuneline_endpoint_request_seconds',
    help: 'Time until a release had answered.',
    labelNames: [...of],
    buckets: secondsBuckets,
    registers,
  });
  const tokens = new Counter({
    name: 'tuneline_endpoint_completion_tokens_total',
    help: 'Tokens that a release answered.',
    labelNames: [...of],
    registers,
  });
  const guards = new Counter({
    name: 'tuneline_endpoint_guard_decisions_total',
    help: 'What the guards found, and what became of it.',
    labelNames: [...of, 'guard', 'decision'],
    registers,
  });
  const feedback = new Counter({
    name: 'tuneline_endpoint_feedback_total',
    help: 'Feedback of clients by what it says.',
    labelNames: ['endpoint', 'rating'],
    registers,
  });
  const drops = new Counter({
    name: 'tuneline_endpoint_trace_drops_total',
    help: 'Traces and feedback that did not reach MLflow.',
    labelNames: ['kind', 'reason'],
    registers,
  });
  const refused = new Counter({
    name: 'tuneline_endpoint_refusals_total',
    help: 'Requests that reached no release, by why.',
    labelNames: ['code'],
    registers,
  });
  return {
    requested({ release: { endpoint, version }, status, ms, completionTokens }: Exchange): void {
      requests.inc({ endpoint, version, status: String(status) });
      seconds.observe({ endpoint, version }, ms / 1000);
      tokens.inc({ endpoint, version }, completionTokens);
    },
    guarded: ({ release: { endpoint, version }, guard, decision }: GuardDecision): void =>
      guards.inc({ endpoint, version, guard, decision }),
    rated: (endpoint: string, rating: number): void => feedback.inc({ endpoint, rating: ratingLabel(rating) }),
    dropped: (kind: string, reason: string): void => drops.inc({ kind, reason }),
    refused: (code: string): void => refused.inc({ code }),
    contentType: (registers[0] as Registry).contentType,
    text: (): Promise<string> => (registers[0] as Registry).metrics(),
  };
}

function ratingLabel(rating: number): 'good' | 'bad' | 'neutral' {
  if (rating === 0) return 'neutral';
  return rating > 0 ? 'good' : 'bad';
}

export type ServingMetrics = ReturnType<typeof createServingMetrics>;
