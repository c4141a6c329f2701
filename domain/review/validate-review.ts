import {
  isAsked,
  outcomeOf,
  plainName,
  rolePrefix,
  sameName,
  type Delegation,
  type ReviewComment,
  type ReviewDecision,
  type ReviewRequest,
} from './review.ts';

/**
 * Each validator returns undefined for a valid message. Otherwise it returns one sentence: the reason, and what to do.
 */

export function validateReview(raw: unknown, open: ReviewRequest | undefined): string | undefined {
  const request = stillOpen(open);
  if (request === undefined) return notAwaiting;
  if (!isDecision(raw))
    return `A review is {"decision": "approve" or "reject", "reviewer": your name, "digest": "${request.digest}"}, and a "comment" of at most ${maximumCharacters} characters if you like.`;
  const { decision, reviewer, roles, digest } = raw;
  if (digest !== request.digest)
    return `The digest ${digest} is not the one under review; look again, and review ${request.digest}.`;
  if (request.twoPersonRule && sameName(reviewer, request.requester))
    return `${reviewer} asked for this lifecycle, and the two-person rule wants another reviewer.`;
  if (!isAsked(request, reviewer, roles)) return notAsked(reviewer, request);
  if (decision === 'approve' && request.decisions.some((earlier) => sameName(earlier.reviewer, reviewer)))
    return `${reviewer} has approved it already; the other ${request.approvals === 2 ? 'approval' : 'approvals'} must come from other people.`;
  return undefined;
}

export function validateComment(raw: unknown, open: ReviewRequest | undefined): string | undefined {
  const request = stillOpen(open);
  if (request === undefined) return notAwaiting;
  if (!isComment(raw)) return `A comment is {"author": your name, "text": at most ${maximumCharacters} characters}.`;
  if (request.comments.length >= maximumComments)
    return `There are ${maximumComments} comments already, and no more are kept; say it with your decision.`;
  return undefined;
}

export function validateDelegation(raw: unknown, open: ReviewRequest | undefined): string | undefined {
  const request = stillOpen(open);
  if (request === undefined) return notAwaiting;
  if (!isDelegation(raw)) return 'A delegation is {"from": your name, "to": the name of who decides in your place}.';
  const { from, roles, to } = raw;
  if (request.reviewers === undefined) return `Anyone may review this, so ${to} need not be named.`;
  if (!isAsked(request, from, roles)) return notAsked(from, request);
  if (request.decisions.some(({ reviewer }) => sameName(reviewer, from)))
    return `${from} has approved it already, and can't hand that over.`;
  if (request.twoPersonRule && sameName(to, request.requester))
    return `${to} asked for this lifecycle, and the two-person rule wants another reviewer.`;
  if (isAsked(request, to)) return `${to} may review this already; name somebody who may not.`;
  if (request.delegations.length >= maximumDelegations)
    return `It was handed over ${maximumDelegations} times already; ${from} has to decide.`;
  return undefined;
}

/** Decisions, comments and delegations are kept in the status and in the history; both have a limited size. */
const maximumCharacters = 2000;
const maximumComments = 100;
const maximumDelegations = 20;
const maximumNameCharacters = 100;

const notAwaiting = 'This lifecycle is not awaiting a review.';

const notAsked = (name: string, { reviewers = [], delegations }: ReviewRequest): string => {
  const handedOver = delegations.findLast(({ from }) => sameName(from, name));
  if (handedOver) return `${name} handed this review over to ${handedOver.to}.`;
  return `${name} is not among the reviewers of this lifecycle (${reviewers.join(', ')}); one of them may delegate it to ${name}.`;
};

/** Returns undefined for a review that is decided, because its lifecycle may take a moment to close it. */
const stillOpen = (request: ReviewRequest | undefined): ReviewRequest | undefined =>
  request === undefined || outcomeOf(request) ? undefined : request;

const isDecision = (raw: unknown): raw is ReviewDecision =>
  isRecord(raw) &&
  (raw['decision'] === 'approve' || raw['decision'] === 'reject') &&
  isName(raw['reviewer']) &&
  areRoles(raw['roles']) &&
  typeof raw['digest'] === 'string' &&
  (raw['comment'] === undefined || isText(raw['comment']));

const isComment = (raw: unknown): raw is ReviewComment =>
  isRecord(raw) && isName(raw['author']) && isText(raw['text']) && raw['text'].trim() !== '';

const isDelegation = (raw: unknown): raw is Delegation =>
  isRecord(raw) && isName(raw['from']) && areRoles(raw['roles']) && isName(raw['to']);

const isRecord = (raw: unknown): raw is Record<string, unknown> => typeof raw === 'object' && raw !== null;
const isText = (raw: unknown): raw is string => typeof raw === 'string' && raw.length <= maximumCharacters;
/** Refuses names that start with `role:`, because such a name would stand for everyone who has the role. */
const isName = (raw: unknown): raw is string =>
  typeof raw === 'string' &&
  plainName(raw) !== '' &&
  raw.length <= maximumNameCharacters &&
  !plainName(raw).startsWith(rolePrefix);
const areRoles = (raw: unknown): boolean =>
  raw === undefined ||
  (Array.isArray(raw) &&
    raw.length <= 50 &&
    raw.every((role) => typeof role === 'string' && role.length <= maximumNameCharacters));
