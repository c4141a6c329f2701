import { ActivityFailure, condition, isCancellation, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../../activities/index.ts';
import { endpointCalls, restoring } from '../activity-options.ts';
import type { EndpointState } from './endpoint-state.ts';

const { readCandidate } = proxyActivities<Activities>(endpointCalls);
const { readServingState, applyServingState } = proxyActivities<Activities>(restoring);

/** Restores the recorded serving state, because an earlier execution may have been terminated during a roll-out. */
export async function recover(state: EndpointState): Promise<void> {
  const { endpoint } = state;
  await condition(() => state.queue.length > 0);
  const recorded = await readServingState(endpoint, state.queue[0]?.model ?? '');
  state.restore(recorded);
  if (!recorded.champion) return;
  await applyServingState({ endpoint, next: recorded, before: recorded });
  const { model, version } = recorded.champion;
  // Serve a champion whose terms can't be read any more, but don't monitor it.
  const served = await readCandidate({ endpoint, model, version }).catch((error: unknown) => {
    if (error instanceof ActivityFailure && !isCancellation(error)) return undefined;
    throw error;
  });
  state.serve(served);
}
