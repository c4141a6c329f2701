import { ApplicationFailure, setHandler, workflowInfo } from '@temporalio/workflow';
import type { Release } from '../../domain/endpoint/release.ts';
import type { ReleaseRequest } from '../../domain/endpoint/roll-out.ts';
import { describeRequest } from '../describe-endpoint.ts';
import { endpointStatusQuery, releaseSignal, rollbackUpdate, withdrawSignal, type Rollback } from '../messages.ts';
import type { EndpointState } from './endpoint-state.ts';
import { sendReply } from './reply.ts';

/** The reason of a roll-out that its requester stopped. */
export const takenBack = 'it was taken back by who had asked for it';

export function handleMessages(state: EndpointState): void {
  setHandler(endpointStatusQuery, () => state.status);
  setHandler(releaseSignal, (request) => acceptRequest(state, request));
  setHandler(withdrawSignal, (id) => withdraw(state, id));
  setHandler(rollbackUpdate, (rollback) => rollBack(state, rollback), {
    validator: (rollback: Rollback) => validateRollback(state, rollback),
  });
}

/** Idempotent: a known request gets its reply again, and never a second roll-out. */
async function acceptRequest(state: EndpointState, request: ReleaseRequest): Promise<void> {
  const { id } = request;
  const reply = state.replyTo(id);
  if (reply) {
    await sendReply(request, reply);
    return;
  }
  if (state.rollingOut?.id === id || state.queue.some((queued) => queued.id === id)) return;
  state.enqueue(request);
}

async function withdraw(state: EndpointState, id: string): Promise<void> {
  if (state.replyTo(id)) return;
  if (state.rollingOut?.id === id) {
    state.stopRollOut(takenBack);
    return;
  }
  const request = state.dequeue(id);
  const reply = { id, ended: 'withdrawn', reason: 'it was taken back before its turn came' } as const;
  // The reply is recorded for an unknown request too: the request may arrive after its withdrawal.
  state.recordReply(reply);
  if (request) await sendReply(request, reply);
}

function rollBack(state: EndpointState, { requester, because }: Rollback): string {
  const reason = `${requester} rolled back: ${because}`;
  const { previous } = state.servingState;
  if (state.rollingOut) {
    state.stopRollOut(reason);
    return `what is rolled out now, ${describeRequest(state.rollingOut)}, is taken back`;
  }
  if (!previous) throw nothingBefore();
  requestRollback(state, previous, reason);
  return `version ${previous.version} of ${previous.model} is served again in a moment`;
}

function validateRollback(state: EndpointState, { requester, because }: Rollback): void {
  if (!requester || !because)
    throw ApplicationFailure.nonRetryable(
      'Say who rolls back, and why: {"requester": …, "because": …}.',
      'RollbackRefused',
    );
  if (!state.rollingOut && !state.servingState.previous) throw nothingBefore();
}

/** The rollback is rolled out before every other request in the queue. */
export function requestRollback(state: EndpointState, { model, version }: Release, because: string): void {
  const { runId, historyLength } = workflowInfo();
  const id = `rollback-${runId}-${historyLength}`;
  state.enqueueFirst({ id, endpoint: state.endpoint, model, version, atOnce: true, because });
}

const nothingBefore = () =>
  ApplicationFailure.nonRetryable(
    'There is nothing to go back to: no release was served before this one.',
    'RollbackRefused',
  );
