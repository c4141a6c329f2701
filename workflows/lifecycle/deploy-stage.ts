import { CancellationScope, CancelledFailure, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../../activities/index.ts';
import type { Verdict } from '../../domain/gate/gate.ts';
import type { Artifact } from '../../domain/job/job.ts';
import type { Promotion, Refusal } from '../../domain/lifecycle/lifecycle.ts';
import type { ReviewRecord } from '../../domain/review/review.ts';
import { trackingCalls } from '../activity-options.ts';
import { requestRelease } from '../request-release.ts';
import { execution, type LifecycleContext } from './lifecycle-context.ts';

const { registerVersion, recordRelease } = proxyActivities<Activities>(trackingCalls);

export interface ApprovedArtifacts {
  readonly weights: Artifact;
  readonly dataset: Artifact;
  readonly evidence: Artifact;
  readonly attacks: Artifact | undefined;
  readonly review: ReviewRecord | undefined;
  readonly verdict: Verdict;
}

/** Registers the candidate as a model version, and waits until the endpoint has promoted or refused it. */
export async function deploy(
  { spec, inputs, state }: LifecycleContext,
  approved: ApprovedArtifacts,
): Promise<Refusal | Promotion> {
  state.beginAttempt('deploy', 1);
  const version = await registerVersion({ spec, inputs, execution: execution(), ...approved });
  const { endpoint } = spec.deploy;
  const reply = await requestRelease({
    endpoint,
    model: spec.model,
    version,
    because: `promoted by ${execution().workflowId}`,
  });
  if ('reason' in reply) {
    if (CancellationScope.current().consideredCancelled) throw new CancelledFailure(reply.reason);
    return { verdict: 'rejected', by: 'endpoint', reason: reply.reason };
  }
  const { release, url } = reply;
  await CancellationScope.nonCancellable(() => recordRelease(inputs.runId, release));
  return { verdict: 'promoted', version, endpoint, endpointUrl: url };
}
