import { digestOfText } from './digest.ts';

/** Which attempt at which stage of which execution; the Job's identity. */
export interface JobIdentity {
  readonly workflowId: string;
  /** The execution's first run ID: a workflow ID may be used again, and that is another lifecycle. */
  readonly firstExecutionRunId: string;
  readonly stage: string;
  readonly attempt: number;
}

/**
 * The Job's name: a pure function of its identity, so that a second submitter can't make a second Job.
 * At most 63 characters of `[a-z0-9-]` (RFC 1123 label, what Kubernetes accepts).
 */
export function jobName({ workflowId, firstExecutionRunId, stage, attempt }: JobIdentity): string {
  const readable = workflowId.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-+/, '').slice(0, 28).replace(/-+$/, '');
  const unique = digestOfText(`${workflowId}/${firstExecutionRunId}`).slice(7, 17);
  return ['tl', readable, unique, stage, String(attempt)].filter((part) => part !== '').join('-');
}
