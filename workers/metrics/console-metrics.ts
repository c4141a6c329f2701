import type { FastifyInstance } from 'fastify';
import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Fleet } from './fleet.ts';

/** Limits reads of visibility and registry, whatever the number of Prometheus servers that scrape. */
const freshForMs = 15_000;

/** The console's metrics: its own requests, and the state of all lifecycles and models. */
export function createConsoleMetrics(readFleet: () => Promise<Fleet>) {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'tuneline_console_' });
  const gauge = <Label extends string>(name: string, help: string, labelNames: readonly Label[] = []) =>
    new Gauge({ name, help, labelNames, registers: [registry] });
  const requests = new Histogram({
    name: 'tuneline_console_request_seconds',
    help: 'Requests by route and status',
    labelNames: ['method', 'route', 'status'] as const,
    buckets: [0.005, 0.02, 0.1, 0.5, 2, 10],
    registers: [registry],
  });
  const up = gauge('tuneline_source_up', 'Whether Temporal and MLflow answer the console', ['source']);
  const running = gauge('tuneline_lifecycles_running', 'Lifecycles that run');
  const lastDay = gauge('tuneline_lifecycles_last_day', 'Lifecycles closed within a day, by how they ended', [
    'outcome',
  ]);
  const openReviews = gauge('tuneline_reviews_open', 'Lifecycles that await a review');
  const oldestReview = gauge(
    'tuneline_review_oldest_seconds',
    'Since the lifecycle was started whose review is open longest',
  );
  const age = gauge('tuneline_model_age_days', 'Since the champion was registered', ['model']);
  const maximumAge = gauge(
    'tuneline_model_maximum_age_days',
    'What the spec of the champion allows: refresh.maximumAgeDays',
    ['model'],
  );
  const disagrees = gauge(
    'tuneline_record_disagrees',
    'Whether the record of an endpoint names another champion than the alias',
    ['model', 'endpoint'],
  );
  let readAtMs = -Infinity;

  function show({ lifecycles, models }: Fleet): void {
    up.set({ source: 'temporal' }, lifecycles ? 1 : 0);
    up.set({ source: 'mlflow' }, models ? 1 : 0);
    // An unknown figure must show no value, not its last one.
    for (const metric of [running, openReviews, oldestReview]) metric.remove();
    for (const metric of [lastDay, age, maximumAge, disagrees]) metric.reset();
    if (lifecycles) {
      running.set(lifecycles.running);
      for (const [outcome, count] of Object.entries(lifecycles.lastDay)) lastDay.set({ outcome }, count);
      openReviews.set(lifecycles.openReviews);
      oldestReview.set(lifecycles.oldestReviewSeconds);
    }
    for (const { model, ageDays, maximumAgeDays, agreeing, disagreeing } of models ?? []) {
      age.set({ model }, ageDays);
      if (maximumAgeDays !== undefined) maximumAge.set({ model }, maximumAgeDays);
      for (const endpoint of agreeing) disagrees.set({ model, endpoint }, 0);
      for (const endpoint of disagreeing) disagrees.set({ model, endpoint }, 1);
    }
  }

  return {
    /** Counts the server's answers. Call it before the server listens. */
    watch: (server: FastifyInstance): void => {
      server.addHook('onResponse', (request, reply, done) => {
        requests.observe(
          { method: request.method, route: request.routeOptions.url ?? 'none', status: String(reply.statusCode) },
          reply.elapsedTime / 1000,
        );
        done();
      });
    },
    text: async (): Promise<string> => {
      if (performance.now() - readAtMs > freshForMs) {
        show(await readFleet());
        readAtMs = performance.now();
      }
      return registry.metrics();
    },
  };
}
