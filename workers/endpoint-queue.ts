import type { Client } from '@temporalio/client';
import type { EndpointQueue } from '../activities/dependencies.ts';
import type { ReleaseRequest } from '../domain/endpoint/roll-out.ts';
import type { endpoint, EndpointStart } from '../workflows/endpoint.ts';
import { releaseSignal, withdrawSignal } from '../workflows/messages.ts';
import { taskQueue } from './config.ts';

/** Each endpoint has one such execution. The first request starts it. */
export const endpointWorkflowId = (name: string): string => `endpoint-${name}`;

export function createEndpointQueue(client: Client): EndpointQueue {
  const startOf = (name: string) => ({
    workflowId: endpointWorkflowId(name),
    taskQueue,
    args: [{ endpoint: name }] as [EndpointStart],
  });
  return {
    async ask(request) {
      await client.workflow.signalWithStart<typeof endpoint, [ReleaseRequest]>('endpoint', {
        ...startOf(request.endpoint),
        signal: releaseSignal,
        signalArgs: [request],
      });
    },
    // The withdrawal may arrive before its request, which is then withdrawn on arrival.
    async withdraw(name, requestId) {
      await client.workflow.signalWithStart<typeof endpoint, [string]>('endpoint', {
        ...startOf(name),
        signal: withdrawSignal,
        signalArgs: [requestId],
      });
    },
  };
}
