import { trace } from '@opentelemetry/api';
import { TRACE_HEADER } from '@temporalio/interceptors-opentelemetry/lib/instrumentation.js';
import {
  OpenTelemetryInboundInterceptor,
  OpenTelemetryOutboundInterceptor,
} from '@temporalio/interceptors-opentelemetry/lib/workflow/index.js';
import { workflowInfo, type Headers, type WorkflowInterceptors } from '@temporalio/workflow';

/**
 * An endpoint runs as long as it exists: its trace would never end, and would contain every lifecycle that its monitor
 * starts.
 */
const untraced = ['endpoint'];

/**
 * Only in the bundle of a worker that traces. Interceptors must not change what a workflow does, or in which order, so
 * that tracing can be turned on or off while executions run.
 */
export function interceptors(): WorkflowInterceptors {
  const inbound = new OpenTelemetryInboundInterceptor();
  const outbound = new OpenTelemetryOutboundInterceptor();
  return {
    inbound: [
      {
        execute: (input, next) =>
          untraced.includes(workflowInfo().workflowType)
            ? next(input)
            : beside(next, (it) => inbound.execute(input, it)),
        handleSignal: (input, next) =>
          isTraced(input) ? beside(next, (it) => inbound.handleSignal(input, it)) : next(input),
        handleUpdate: (input, next) =>
          isTraced(input) ? beside(next, (it) => inbound.handleUpdate(input, it)) : next(input),
      },
    ],
    outbound: [
      {
        scheduleActivity: (input, next) =>
          inSpan() ? beside(next, (it) => outbound.scheduleActivity(input, it)) : next(input),
        scheduleLocalActivity: (input, next) =>
          inSpan() ? beside(next, (it) => outbound.scheduleLocalActivity(input, it)) : next(input),
        signalWorkflow: (input, next) =>
          inSpan() ? beside(next, (it) => outbound.signalWorkflow(input, it)) : next(input),
        // A child of an untraced workflow begins a trace of its own.
        startChildWorkflowExecution: (input, next) =>
          beside(next, (it) => outbound.startChildWorkflowExecution(input, it)),
      },
    ],
  };
}

const isTraced = ({ headers }: { readonly headers: Headers }): boolean => TRACE_HEADER in headers;

const inSpan = (): boolean => trace.getActiveSpan() !== undefined;

/**
 * Ends the span when the call ends, but the workflow awaits the call itself. Through the interceptor the result would
 * arrive some microtasks later, which could swap the order of two calls that end at the same time.
 */
function beside<I, R>(
  next: (input: I) => Promise<R>,
  traced: (next: (input: I) => Promise<R>) => Promise<R>,
): Promise<R> {
  let called: Promise<R> | undefined;
  const span = traced((input) => (called = next(input)));
  if (!called) return span;
  // The caller that awaits `called` gets its error, so the copy in `span` must not count as unhandled.
  span.catch(() => undefined);
  return called;
}
