import { WorkflowUpdateFailedError, type WorkflowHandle } from '@temporalio/client';
import { subjectNames, type ReviewRequest, type ReviewSubject } from '../../domain/review/review.ts';
import type { lifecycle } from '../../workflows/lifecycle.ts';
import { commentUpdate, delegateUpdate, reviewUpdate, statusQuery } from '../../workflows/messages.ts';
import { UserError } from './user-error.ts';

export interface ReviewOptions {
  readonly approve?: boolean;
  readonly reject?: boolean;
  readonly comment?: string;
  readonly delegateTo?: string;
  /** What was looked at; what the lifecycle shows now by default. */
  readonly digest?: string;
}

/** Shows what is under review, or says something to it in this person's name; answers what to print. */
export async function review(
  handle: WorkflowHandle<typeof lifecycle>,
  person: string,
  { approve, reject, comment, delegateTo, digest }: ReviewOptions,
): Promise<string> {
  const { awaitingReview, stage } = await handle.query(statusQuery);
  if (awaitingReview === undefined)
    throw new UserError(`${handle.workflowId} is not awaiting a review; it is at ${stage}.`);
  if (delegateTo !== undefined)
    return sending(handle.executeUpdate(delegateUpdate, { args: [{ from: person, to: delegateTo }] }));
  if (approve || reject) {
    const decision = {
      decision: approve ? ('approve' as const) : ('reject' as const),
      reviewer: person,
      digest: digest ?? awaitingReview.digest,
      comment,
    };
    return sending(handle.executeUpdate(reviewUpdate, { args: [decision] }));
  }
  if (comment !== undefined)
    return sending(handle.executeUpdate(commentUpdate, { args: [{ author: person, text: comment }] }));
  return showReview(awaitingReview);
}

/** A refusal is an answer for the person, not a crash. */
async function sending(update: Promise<string>): Promise<string> {
  return update.catch((error: unknown) => {
    if (error instanceof WorkflowUpdateFailedError) throw new UserError(error.cause?.message ?? error.message);
    throw error;
  });
}

function showReview({
  digest,
  subject,
  requester,
  twoPersonRule,
  approvals,
  reviewers,
  since,
  deadline,
  decisions,
  comments,
  delegations,
}: ReviewRequest): string {
  const rows: readonly (readonly [string, string])[] = [
    ['digest', digest],
    ...(Object.keys(subjectNames) as (keyof ReviewSubject)[]).map((part) => [`  ${part}`, subject[part]] as const),
    ['requester', `${requester ?? 'unknown'}${twoPersonRule ? ', who may not review it' : ''}`],
    ['reviewers', reviewers?.join(', ') ?? 'anyone'],
    ['approvals', `${decisions.length} of ${approvals}`],
    ['since', since],
    ['deadline', deadline],
  ];
  return [
    ...rows.map(([name, value]) => `${name.padEnd(width)}${value}`),
    ...decisions.map(
      ({ at, decision, reviewer, comment }) => `${at}  ${reviewer}: ${decision}${comment ? `, ${comment}` : ''}`,
    ),
    ...delegations.map(({ at, from, to }) => `${at}  ${from}: handed over to ${to}`),
    ...comments.map(({ at, author, text }) => `${at}  ${author}: ${text}`),
  ].join('\n');
}

const width = 17;
