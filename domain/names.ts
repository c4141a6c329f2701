import { digestOfText } from './digest.ts';
import { type Release, releaseId } from './endpoint/release.ts';

/** Identifies a Job by its attempt, stage and execution. */
export interface JobIdentity {
  readonly workflowId: string;
  /** The execution's first run ID. A workflow ID can be used again for another lifecycle, but a run ID can't. */
  readonly firstExecutionRunId: string;
  readonly stage: string;
  readonly attempt: number;
}

/**
 * Four characters fewer than the 63 that Kubernetes allows, because the pods of a Job on several nodes add `-0` to
 * `-999`.
 */
const maximumLength = 59;

/**
 * The Job's name: a pure function of its identity, so that a second submitter can't make a second Job.
 * At most 59 characters of `[a-z0-9-]` (RFC 1123 label).
 */
export function jobName({ workflowId, firstExecutionRunId, stage, attempt }: JobIdentity): string {
  const unique = digestOfText(`${workflowId}/${firstExecutionRunId}`).slice(7, 17);
  const end = [unique, stage, String(attempt)].join('-');
  // Shorten the readable part only: the rest makes the name unique.
  const room = Math.max(0, maximumLength - 'tl--'.length - end.length);
  const readable = workflowId
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, room)
    .replace(/-+$/, '');
  return ['tl', readable, end].filter((part) => part !== '').join('-');
}

/**
 * The name of a release's resources in a cluster. It depends on the endpoint and on everything that determines the
 * answers, so that each release exists once. At most 57 characters.
 */
export const releaseName = (release: Release): string => releaseNameOf(release.endpoint, releaseId(release));

export const releaseNameOf = (endpoint: string, id: string): string => `tl-${endpoint}-${id}`;

/** The name of the resource in a cluster that clients of an endpoint reach. */
export const endpointName = (endpoint: string): string => `endpoint-${endpoint}`;
