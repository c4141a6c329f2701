import { ApplicationFailure, setCurrentDetails, workflowInfo } from '@temporalio/workflow';
import type { ReleaseReply } from '../domain/endpoint/roll-out.ts';
import { describeRequest } from './describe-endpoint.ts';
import { requestRelease } from './request-release.ts';

export interface Redeploy {
  readonly endpoint: string;
  readonly model: string;
  /** Without one, whatever `champion` names when its turn comes: an event that was late changes nothing. */
  readonly version?: string;
  /** For people: which event, or who. */
  readonly because?: string;
}

/** What an event or a person starts: has the endpoint serve a version, if a gate passed it; else `champion` is put back. */
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
