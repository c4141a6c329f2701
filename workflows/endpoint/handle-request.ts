import { ActivityFailure, isCancellation, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../../activities/index.ts';
import type { Candidate, ReleaseReply, ReleaseRequest } from '../../domain/endpoint/roll-out.ts';
import { isSameRelease } from '../../domain/endpoint/serving-state.ts';
import { endpointCalls, restoring } from '../activity-options.ts';
import { reasonOf, rollOut } from '../roll-out.ts';
import { takenBack } from './endpoint-messages.ts';
import type { EndpointState } from './endpoint-state.ts';

const { readCandidate, noteRefusal } = proxyActivities<Activities>(endpointCalls);
const { applyServingState } = proxyActivities<Activities>(restoring);

/** Rolls out the requested version, or refuses it. A refusal is a reply, not an error. */
export async function handleRequest(state: EndpointState, request: ReleaseRequest): Promise<ReleaseReply> {
  state.beginRollOut(request);
  try {
    const candidate = await readCandidate(request);
    if (!candidate) return await refuse(state, request, `champion names no version of ${request.model}.`);
    const { champion } = state.servingState;
    if (!champion || !isSameRelease(champion, candidate.release))
      return await replaceChampion(state, request, candidate);
    state.serve(candidate);
    const url = await reapply(state, request.model);
    return { id: request.id, ended: 'unchanged', release: candidate.release, url };
  } catch (error) {
    if (!(error instanceof ActivityFailure) || isCancellation(error)) throw error;
    return refuse(state, request, reasonOf(error));
  }
}

async function replaceChampion(
  state: EndpointState,
  { id, atOnce, because }: ReleaseRequest,
  candidate: Candidate,
): Promise<ReleaseReply> {
  const { release } = candidate;
  const before = state.servingState;
  const outcome = await rollOut({
    endpoint: state.endpoint,
    candidate,
    before,
    atOnce: atOnce ?? false,
    stopped: () => state.stopReason,
    show: (progress) => state.advanceRollOut(progress),
  });
  state.restore(outcome.servingState);
  if (outcome.ended === 'promoted') {
    state.serve(candidate);
    if (atOnce && before.champion) await noteRefusal(before.champion.model, before.champion.version, because);
    return { id, ended: 'promoted', release, url: outcome.url };
  }
  // A cancelled lifecycle is not a refusal: a schedule may make the same candidate again.
  if (outcome.reason !== takenBack) await noteRefusal(release.model, release.version, outcome.reason);
  return { id, ended: outcome.ended, reason: outcome.reason };
}

/** Writes the reason to the model version, and restores an alias that a person moved by hand. */
async function refuse(
  state: EndpointState,
  { id, model, version }: ReleaseRequest,
  reason: string,
): Promise<ReleaseReply> {
  await noteRefusal(model, version, reason);
  await reapply(state, model);
  return { id, ended: 'refused', reason };
}

/** Applies the current serving state again; returns the endpoint's URL. */
function reapply({ endpoint, servingState }: EndpointState, model: string): Promise<string> {
  return applyServingState({ endpoint, next: servingState, before: servingState, model });
}
