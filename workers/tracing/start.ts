import { setTimeout as delay } from 'node:timers/promises';
import { context, propagation } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { setGlobalErrorHandler } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { envDetectorSync, Resource } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { readPackageVersion } from '../config.ts';
import { traceJobs } from './job-span.ts';
import { traceRequests } from './requests.ts';
import { clientInterceptors, workerInterceptors } from './temporal.ts';
import type { Tracing } from './tracing.ts';

const closeWithinMs = 2000;

/** The SDK reads sampler, batch sizes, headers and the like from its own variables. */
export function startTracing(url: string, serviceName: string, log: (message: string) => void): Tracing {
  sayOnce(`traces do not reach ${url}`, log);
  const resource = new Resource({
    'service.name': serviceName,
    'service.version': readPackageVersion(),
    ...envDetectorSync.detect().attributes,
  });
  const processor = new BatchSpanProcessor(new OTLPTraceExporter({ url }));
  const config = { resource, spanProcessors: [processor] };
  const provider = new BasicTracerProvider(config);
  provider.register({ contextManager: new AsyncLocalStorageContextManager() });
  return {
    client: clientInterceptors(),
    worker: workerInterceptors(processor, resource),
    requests: (server, routes) => traceRequests(server, routes, provider.getTracer('tuneline')),
    traceparent: () => {
      const carrier: { traceparent?: string } = {};
      propagation.inject(context.active(), carrier);
      return carrier.traceparent;
    },
    jobs: (reporter, attributesOf) => traceJobs(config, reporter, attributesOf),
    close: () =>
      Promise.race([provider.shutdown().catch(() => undefined), delay(closeWithinMs, undefined, { ref: false })]),
  };
}

/** Logs the first export error only: a collector that is down would fail every batch. */
function sayOnce(what: string, log: (message: string) => void): void {
  let said = false;
  setGlobalErrorHandler((error) => {
    if (!said) log(`${what}: ${typeof error === 'string' ? error : (error.message ?? '')}`);
    said = true;
  });
}
