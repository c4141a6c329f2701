import {
  allHandlersFinished,
  condition,
  continueAsNew,
  setCurrentDetails,
  setWorkflowOptions,
  workflowInfo,
} from '@temporalio/workflow';
import type { EndpointStatus } from '../domain/endpoint/roll-out.ts';
import { describeEndpoint } from './describe-endpoint.ts';
import { handleMessages, requestRollback } from './endpoint/endpoint-messages.ts';
import { EndpointState, type KeptState } from './endpoint/endpoint-state.ts';
import { handleRequest } from './endpoint/handle-request.ts';
import { recover } from './endpoint/recover.ts';
import { sendReply } from './endpoint/reply.ts';
import { createMonitor, describeMonitor, type MonitorState } from './monitor.ts';
import { movesToNewBuilds } from './moves-to-new-builds.ts';

export interface EndpointStart {
  readonly endpoint: string;
  /** The state that the execution before this one ended with. */
  readonly known?: KeptState & { readonly monitor?: MonitorState };
}

type Monitor = ReturnType<typeof createMonitor>;

/**
 * The only writer of an endpoint's traffic, aliases and record. Requests wait in a queue. It runs as long as the
 * endpoint exists.
 */
export async function endpoint({ endpoint: name, known }: EndpointStart): Promise<void> {
  const monitor = createMonitor(known?.monitor);
  const state = new EndpointState(name, known, (status) => showDetails(status, monitor));
  handleMessages(state);

  if (!known) await recover(state);
  for (;;) {
    monitor.follow(state.kept.served, Date.now());
    if (await waitForRequest(state, monitor.due(Date.now()))) await handleNext(state);
    else await watch(state, monitor);
    state.show();
    if (!workflowInfo().continueAsNewSuggested) continue;
    await condition(allHandlersFinished);
    await monitor.settled();
    const watched = monitor.state();
    await continueAsNew<typeof endpoint>({ endpoint: name, known: { ...state.kept, monitor: watched } });
  }
}

/** Returns false if the monitoring window ends before a request comes. */
async function waitForRequest(state: EndpointState, windowMs: number | undefined): Promise<boolean> {
  const isRequested = (): boolean => state.queue.length > 0;
  if (windowMs !== undefined) return condition(isRequested, windowMs);
  await condition(isRequested);
  return true;
}

async function handleNext(state: EndpointState): Promise<void> {
  const [request] = state.queue;
  if (!request) return;
  state.dequeue(request.id);
  const reply = await handleRequest(state, request);
  state.endRollOut();
  state.recordReply(reply);
  await sendReply(request, reply);
}

async function watch(state: EndpointState, monitor: Monitor): Promise<void> {
  const action = await monitor.look();
  if (action?.kind === 'retrain') await monitor.retrain(action.because);
  const { previous } = state.servingState;
  if (action?.kind === 'rollback' && previous)
    requestRollback(state, previous, `the monitor rolled back: ${action.because}`);
}

function showDetails(status: EndpointStatus, monitor: Monitor): void {
  const watched = monitor.state();
  setCurrentDetails([describeEndpoint(status), ...(watched ? describeMonitor(watched) : [])].join('\n'));
}

// The endpoint never ends; without this option it would stay on its first build.
setWorkflowOptions(movesToNewBuilds, endpoint);
