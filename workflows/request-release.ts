import {
  CancellationScope,
  condition,
  isCancellation,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { ReleaseReply, ReleaseRequest } from '../domain/endpoint/roll-out.ts';
import { endpointCalls } from './activity-options.ts';
import { releaseEndedSignal } from './messages.ts';

const { askEndpoint, withdrawRelease } = proxyActivities<Activities>(endpointCalls);

/** An endpoint whose execution was terminated has lost its queue. Sending the request again starts a new execution. */
const askAgainAfter = '10 minutes';

/**
 * Asks the endpoint to release a version, and waits for the reply. A cancellation withdraws the request. A version that
 * was promoted before that stays promoted, and the reply says so.
 */
export async function requestRelease(wanted: Omit<ReleaseRequest, 'id' | 'replyTo'>): Promise<ReleaseReply> {
  const { workflowId, runId } = workflowInfo();
  const request = { ...wanted, id: `${workflowId}/${runId}`, replyTo: workflowId };
  let reply: ReleaseReply | undefined;
  setHandler(releaseEndedSignal, (ended) => {
    if (ended.id === request.id) reply = ended;
  });
  const asked = async (): Promise<ReleaseReply> => {
    do await askEndpoint(request);
    while (!(await condition(() => reply !== undefined, askAgainAfter)));
    return reply as ReleaseReply;
  };
  try {
    return await asked();
  } catch (error) {
    if (!isCancellation(error)) throw error;
    return await CancellationScope.nonCancellable(async () => {
      await withdrawRelease(request.endpoint, request.id);
      return asked();
    });
  }
}
