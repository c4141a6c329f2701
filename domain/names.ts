import { digestOfText } from './digest.ts';
import { type Release, releaseId } from './endpoint/release.ts';

/** Which attempt at which stage of which execution; the Job's identity. */
export interface JobIdentity {
  readonly workflowId: string;
  /** The execution's first run ID: a workflow ID may be used again, and that is another lifecycle. */
  readonly firstExecutionRunId: string;
  readonly stage: string;
  readonly attempt: number;
}

/** Four less than Kubernetes accepts: the pods of a Job on several nodes are called after it, with `-0` to `-999` behind. */
const maximumLength = 59;

/**
 * The Job's name: a pure function of its identity, so that a second submitter can't make a second Job.
 * At most 59 characters of `[a-z0-9-]` (RFC 1123 label).
 */
export function jobName({ workflowId, firstExecutionRunId, stage, attempt }: JobIdentity): string {
  const unique = digestOfText(`${workflowId}/${firstExecutionRunId}`).slice(7, 17);
  const end = [unique, stage, String(attempt)].join('-');
  // What a person reads gives way to what tells Jobs apart.
  const room = Math.max(0, maximumLength - 'tl--'.length - end.length);
  const readable = workflowId
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, room)
    .replace(/-+$/, '');
  return ['tl', readable, end].filter((part) => part !== '').join('-');
}

/** Of what serves a release in a cluster: by endpoint and all that decides its answers, so that each is there once. At most 57 characters. */
export const releaseName = (release: Release): string => releaseNameOf(release.endpoint, releaseId(release));

export const releaseNameOf = (endpoint: string, id: string): string => `tl-${endpoint}-${id}`;

/** Of what clients of an endpoint reach in a cluster. */
export const endpointName = (endpoint: string): string => `endpoint-${endpoint}`;
