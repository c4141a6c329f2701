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

/** Omits queries and describe calls, because the CLI and the console make several a second. */
export function clientInterceptors(): ClientInterceptors {
  const traced = new OpenTelemetryWorkflowClientInterceptor();
  return {
    workflow: [
      {
        startWithDetails: (input, next) => traced.startWithDetails(input, next),
        signalWithStart: (input, next) => traced.signalWithStart(input, next),
        startUpdate: (input, next) => traced.startUpdate(input, next),
        // Traces a signal only inside a trace. The tracker's signals about waiting Jobs would each start a new one.
        signal: (input, next) => (trace.getActiveSpan() ? traced.signal(input, next) : next(input)),
      },
    ],
  };
}

/** Traces an activity only if its workflow is traced, so that no trace begins at an activity. */
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
  // Keeps four fields: the full workflow info would also export the memo and the last execution's result.
  const briefly: typeof exporter.fn = ({ workflowId, runId, workflowType, attempt }, spans) =>
    exporter.fn({ workflowId, runId, workflowType, attempt } as Parameters<typeof exporter.fn>[0], spans);
  return { interceptors, sinks: { exporter: { export: { fn: briefly } } } };
}
