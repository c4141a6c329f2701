import type { ClientInterceptors } from '@temporalio/client';
import type { WorkerOptions } from '@temporalio/worker';
import type { FastifyInstance } from 'fastify';
import type { JobRequest } from '../../domain/job/job.ts';
import type { JobReporter } from '../jobs/job-tracker.ts';

/** What the parts of a process do to be traced; none of them names OpenTelemetry. */
export interface Tracing {
  /** Carry the trace on, or begin one, where a client starts, signals or updates. */
  readonly client: ClientInterceptors;
  /** Of a worker whose workflows were bundled with `workflows/trace-interceptors.ts`. */
  readonly worker: Pick<WorkerOptions, 'interceptors' | 'sinks'>;
  /** Makes a span of each POST to a route that begins so, under the caller's `traceparent` if it has one; before the server listens. */
  requests(server: FastifyInstance, routes: string): void;
  /** W3C `traceparent` of what runs now. */
  traceparent(): string | undefined;
  /** A reporter that makes a span of each Job, with these attributes beside its own. */
  jobs(
    reporter: JobReporter,
    attributesOf: (request: JobRequest) => Readonly<Record<string, string | number>>,
  ): JobReporter;
  /** Sends what was not sent yet, for two seconds at most: a collector that is away must hold nobody up. */
  close(): Promise<void>;
}
