import { trace } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import type { SpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { ClientInterceptors } from '@temporalio/client';
import {
  makeWorkflowExporter,
  OpenTelemetryActivityInboundInterceptor,
  OpenTelemetryWorkflowClientInterceptor,
} from '@temporalio/interceptors-opentelemetry';
import { TRACE_HEADER } from '@temporalio/interceptors-opentelemetry/lib/instrumentation.js';
import type { WorkerOptions } from '@temporalio/worker';
import type { Tracing } from './tracing.ts';

/** Queries and looks are left out: the CLI and the console make several a second. */
export function clientInterceptors(): ClientInterceptors {
  const traced = new OpenTelemetryWorkflowClientInterceptor();
  return {
    workflow: [
      {
        startWithDetails: (input, next) => traced.startWithDetails(input, next),
        signalWithStart: (input, next) => traced.signalWithStart(input, next),
        startUpdate: (input, next) => traced.startUpdate(input, next),
        // The tracker tells lifecycles what their Jobs wait for, which is the beginning of nothing.
        signal: (input, next) => (trace.getActiveSpan() ? traced.signal(input, next) : next(input)),
      },
    ],
  };
}

/** What no traced workflow asked for is no trace of its own. */
export function workerInterceptors(processor: SpanProcessor, resource: Resource): Tracing['worker'] {
  const { export: exporter } = makeWorkflowExporter(processor, resource);
  const interceptors: WorkerOptions['interceptors'] = {
    activity: [
      (activity) => {
        const traced = new OpenTelemetryActivityInboundInterceptor(activity);
        return {
          inbound: {
            execute: (input, next) => (TRACE_HEADER in input.headers ? traced.execute(input, next) : next(input)),
          },
        };
      },
    ],
  };
  // All that Temporal knows of an execution would go along, the result of the one before and its memo among it.
  const briefly: typeof exporter.fn = ({ workflowId, runId, workflowType, attempt }, spans) =>
    exporter.fn({ workflowId, runId, workflowType, attempt } as Parameters<typeof exporter.fn>[0], spans);
  return { interceptors, sinks: { exporter: { export: { fn: briefly } } } };
}
