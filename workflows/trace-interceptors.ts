import { trace } from '@opentelemetry/api';
import { TRACE_HEADER } from '@temporalio/interceptors-opentelemetry/lib/instrumentation.js';
import {
  OpenTelemetryInboundInterceptor,
  OpenTelemetryOutboundInterceptor,
} from '@temporalio/interceptors-opentelemetry/lib/workflow/index.js';
import { workflowInfo, type Headers, type WorkflowInterceptors } from '@temporalio/workflow';

/** It lives for as long as its endpoint: a trace of it would never end, and hold every lifecycle that its monitor starts. */
const untraced = ['endpoint'];

/**
 * In the bundle of a worker that traces, and in no other. What a workflow does, and in which order, is the same with it
 * and without: so tracing can be turned on or off under executions that run.
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
        // What an untraced one starts begins a trace.
        startChildWorkflowExecution: (input, next) =>
          beside(next, (it) => outbound.startChildWorkflowExecution(input, it)),
      },
    ],
  };
}

const isTraced = ({ headers }: { readonly headers: Headers }): boolean => TRACE_HEADER in headers;

const inSpan = (): boolean => trace.getActiveSpan() !== undefined;

/** Has the span end with the call, while the workflow awaits the call itself: through the interceptor it would hear of its end some microtasks later, and two that end at once could change places. */
function beside<I, R>(
  next: (input: I) => Promise<R>,
  traced: (next: (input: I) => Promise<R>) => Promise<R>,
): Promise<R> {
  let called: Promise<R> | undefined;
  const span = traced((input) => (called = next(input)));
  if (!called) return span;
  // Whoever awaits the call hears why it failed.
  span.catch(() => undefined);
  return called;
}
