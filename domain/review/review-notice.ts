import type { ReviewRequest } from './review.ts';
import { decidedBy } from './review.ts';

export type ReviewNotice =
  | { readonly what: 'wanted' | 'reminded' | 'approved' | 'rejected' | 'expired' }
  | { readonly what: 'escalated'; readonly to: readonly string[] }
  | { readonly what: 'stale'; readonly reason: string };

interface About {
  readonly workflowId: string;
  readonly model: string;
  readonly review: ReviewRequest;
}

/**
 * The text of a notification to the team's chat. It is escaped, so that names and comments can't mention people or add
 * links.
 */
export function describeNotice(notice: ReviewNotice, { workflowId, model, review }: About): string {
  const { reviewers, deadline, requester, approvals, decisions, digest } = review;
  const lifecycle = `${model} (${workflowId})`;
  const wanted = [
    `Wanted: ${approvals === 1 ? 'one approval' : `${approvals - decisions.length} of ${approvals} approvals`} of ${digest} until ${deadline}, by ${reviewers?.join(', ') ?? 'anyone'}.`,
    `hint: scripts/tuneline review ${workflowId}`,
  ];
  return escapeForChat(lines().join('\n'));

  function lines(): readonly string[] {
    switch (notice.what) {
      case 'wanted':
        return [
          `${lifecycle} awaits a review${requester === undefined ? '' : `; ${requester} asked for it`}.`,
          ...wanted,
        ];
      case 'reminded':
        return [`${lifecycle} still awaits a review, since ${review.since}.`, ...wanted];
      case 'escalated':
        return [`${lifecycle} was not decided on in time; ${notice.to.join(', ')} may now decide, too.`, ...wanted];
      case 'approved':
      case 'rejected':
        return [
          `${lifecycle} was ${notice.what} by ${decidedBy(review)}.`,
          ...decisions.flatMap(({ reviewer, comment }) => (comment ? [`${reviewer}: ${comment}`] : [])),
        ];
      case 'expired':
        return [`${lifecycle} was rejected: nobody decided until ${deadline}.`];
      case 'stale':
        return [`${lifecycle} was approved, and is not deployed. ${notice.reason}`];
    }
  }
}

/** Escapes the three characters that Slack's message format requires. */
export const escapeForChat = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
