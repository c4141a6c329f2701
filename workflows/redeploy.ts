import { ApplicationFailure, setCurrentDetails, workflowInfo } from '@temporalio/workflow';
import type { ReleaseReply } from '../domain/endpoint/roll-out.ts';
import { describeRequest } from './describe-endpoint.ts';
import { requestRelease } from './request-release.ts';

export interface Redeploy {
  readonly endpoint: string;
  readonly model: string;
  /**
   * If undefined, the endpoint releases the version that `champion` names when it handles the request, so that a late
   * event changes nothing.
   */
  readonly version?: string;
  /** For people: the event or the person that asked. */
  readonly because?: string;
}

/**
 * Started by an event or a person. The endpoint serves the version if a gate passed it; otherwise it restores
 * `champion`.
 */
export async function redeploy(given: Redeploy): Promise<ReleaseReply> {
  const { endpoint, model, version, because = `started as ${workflowInfo().workflowId}` } = given;
  if (
    typeof endpoint !== 'string' ||
    typeof model !== 'string' ||
    (version !== undefined && typeof version !== 'string')
  )
    throw ApplicationFailure.nonRetryable(
      'The input must be {"endpoint": NAME, "model": NAME}, and a "version" as text where it is not the one that champion names.',
      'BadSpec',
    );
  const wanted = { endpoint, model, because, version };
  setCurrentDetails(`asked ${endpoint} for ${describeRequest(wanted)}`);
  return requestRelease(wanted);
}
