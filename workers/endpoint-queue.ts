import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { EndpointQueue } from '../activities/dependencies.ts';
import type { endpoint } from '../workflows/endpoint.ts';
import { releaseSignal, withdrawSignal } from '../workflows/messages.ts';
import { taskQueue } from './config.ts';

/** There is one such execution for each endpoint: whoever asks first starts it. */
export const endpointWorkflowId = (name: string): string => `endpoint-${name}`;

export const createEndpointQueue = (client: Client): EndpointQueue => ({
  async ask(request) {
    await client.workflow.signalWithStart<typeof endpoint, Parameters<EndpointQueue['ask']>>('endpoint', {
      workflowId: endpointWorkflowId(request.endpoint),
      taskQueue,
      args: [{ endpoint: request.endpoint }],
      signal: releaseSignal,
      signalArgs: [request],
    });
  },
  async withdraw(name, requestId) {
    await client.workflow
      .getHandle(endpointWorkflowId(name))
      .signal(withdrawSignal, requestId)
      .catch((error: unknown) => {
        // Asked again, a new execution replies.
        if (!(error instanceof WorkflowNotFoundError)) throw error;
      });
  },
});
