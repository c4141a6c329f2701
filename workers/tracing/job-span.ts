import { ROOT_CONTEXT, SpanStatusCode, trace, TraceFlags, type Attributes } from '@opentelemetry/api';
import { BasicTracerProvider, RandomIdGenerator, type TracerConfig } from '@opentelemetry/sdk-trace-base';
import type { JobOutcome, JobRequest } from '../../domain/job/job.ts';
import { spanOf } from '../../domain/job/job-trace.ts';
import type { JobReporter } from '../jobs/job-tracker.ts';

/** A reporter that records one span per reported Job. Reporting again records the same span. */
export function traceJobs(
  config: TracerConfig,
  reporter: JobReporter,
  attributesOf: (request: JobRequest) => Attributes,
): JobReporter {
  let spanId = '';
  // The span's ID was chosen when the Job was created.
  const tracer = new BasicTracerProvider({
    ...config,
    idGenerator: { ...new RandomIdGenerator(), generateSpanId: () => spanId },
  }).getTracer('tuneline');

  function endSpan(request: JobRequest, outcome: JobOutcome): void {
    const span = spanOf(request);
    if (!span) return;
    const { traceId, parentSpanId, isSampled } = span;
    const parent = trace.setSpanContext(ROOT_CONTEXT, {
      traceId,
      spanId: parentSpanId,
      traceFlags: isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
      isRemote: true,
    });
    const attributes = {
      ...attributesOf(request),
      'tuneline.job': request.name,
      'tuneline.stage': request.spec.stage,
      'tuneline.outcome': outcome.kind === 'succeeded' ? outcome.kind : outcome.failure.class,
      ...(request.runId ? { 'mlflow.run_id': request.runId } : {}),
    };
    ({ spanId } = span);
    const life = tracer.startSpan(
      `Job:${request.spec.stage}`,
      { attributes, ...(request.trace ? { startTime: request.trace.askedAtMs } : {}) },
      parent,
    );
    if (outcome.kind === 'failed') life.setStatus({ code: SpanStatusCode.ERROR, message: outcome.failure.message });
    life.end();
  }

  return {
    ...reporter,
    async complete(request, outcome) {
      const answer = await reporter.complete(request, outcome);
      endSpan(request, outcome);
      return answer;
    },
  };
}
