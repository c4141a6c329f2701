import { WorkflowExecutionAlreadyStartedError, type Client } from '@temporalio/client';
import type { EventStart } from '../../domain/spec/event-rules.ts';

export interface StartRequest {
  readonly workflowId: string;
  readonly start: EventStart;
  /** The reason, for people. */
  readonly because: string;
}

export interface EventStarter {
  /** Starts one execution per workflow ID, however many requests and consoles ask for it. */
  start(request: StartRequest): Promise<'started' | 'already started'>;
}

export interface TemporalStarterOptions {
  readonly client: Client;
  readonly taskQueue: string;
  readonly readSpec: (path: string) => Promise<Readonly<Record<string, unknown>>>;
}

/** Temporal decides which request is first, and remembers the ID for as long as it keeps executions. */
export const createEventStarter = ({ client, taskQueue, readSpec }: TemporalStarterOptions): EventStarter => ({
  async start({ workflowId, start, because }) {
    const input =
      start.start === 'redeploy'
        ? { model: start.model, endpoint: start.endpoint, because }
        : await readSpec(start.spec);
    try {
      await client.workflow.start(start.start, {
        taskQueue,
        workflowId,
        workflowIdReusePolicy: 'REJECT_DUPLICATE',
        args: [input],
        staticSummary: because.slice(0, 200),
      });
      return 'started';
    } catch (error) {
      if (error instanceof WorkflowExecutionAlreadyStartedError) return 'already started';
      throw error;
    }
  },
});
