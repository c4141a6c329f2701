import type { ClientInterceptors } from '@temporalio/client';
import type { WorkerOptions } from '@temporalio/worker';
import type { FastifyInstance } from 'fastify';
import type { JobRequest } from '../../domain/job/job.ts';
import type { JobReporter } from '../jobs/job-tracker.ts';

/** The tracing hooks for the parts of a process. None of them names OpenTelemetry. */
export interface Tracing {
  /** Continue the trace, or begin one, when a client starts, signals or updates a workflow. */
  readonly client: ClientInterceptors;
  /** For a worker whose workflows are bundled with `workflows/trace-interceptors.ts`. */
  readonly worker: Pick<WorkerOptions, 'interceptors' | 'sinks'>;
  /**
   * Records a span for each POST to a route with this prefix, under the caller's `traceparent` if present. Call it
   * before the server listens.
   */
  requests(server: FastifyInstance, routes: string): void;
  /** The W3C `traceparent` of the current context. */
  traceparent(): string | undefined;
  /** A reporter that records a span for each Job, with these attributes added. */
  jobs(
    reporter: JobReporter,
    attributesOf: (request: JobRequest) => Readonly<Record<string, string | number>>,
  ): JobReporter;
  /** Sends pending spans, for at most two seconds, so that a collector that is down delays nothing. */
  close(): Promise<void>;
}
