import { allHandlersFinished, ApplicationFailure, condition, setHandler } from '@temporalio/workflow';
import type { ReviewRules } from '../domain/spec/review-spec.ts';
import { remindersOf } from '../domain/review/reminders.ts';
import type { ReviewNotice } from '../domain/review/review-notice.ts';
import { outcomeOf, type ReviewRecord, type ReviewRequest, type ReviewSubject } from '../domain/review/review.ts';
import { validateComment, validateDelegation, validateReview } from '../domain/review/validate-review.ts';
import { commentUpdate, delegateUpdate, reviewUpdate } from './messages.ts';

export interface ReviewOpening {
  readonly subject: ReviewSubject;
  readonly digest: string;
  readonly requester: string | undefined;
  readonly rules: ReviewRules;
  /** Must return at once, because the review waits for it. */
  readonly tell: (notice: ReviewNotice, review: ReviewRequest) => void;
}

const hourMs = 3_600_000;
const now = (): string => new Date().toISOString();

/** Handles the messages of a review from the lifecycle's start, so that a message that comes too early is refused. */
export function createReview(show: (review: ReviewRequest | undefined) => void) {
  let open: ReviewRequest | undefined;
  const change = (next: ReviewRequest | undefined): void => {
    open = next;
    show(next);
  };
  const requireOpen = (): ReviewRequest => {
    if (open) return open;
    throw ApplicationFailure.nonRetryable('No review is open.', 'ReviewRefused');
  };

  setHandler(
    reviewUpdate,
    ({ decision, reviewer, roles, digest, comment }) => {
      const review = requireOpen();
      const said = { decision, reviewer, roles, digest, comment, at: now() };
      change({ ...review, decisions: [...review.decisions, said] });
      const missing = review.approvals - review.decisions.length - 1;
      if (decision === 'reject') return `rejected by ${reviewer}`;
      return `approved by ${reviewer}${missing > 0 ? `; ${missing} more must approve` : ''}`;
    },
    { validator: (given) => refuse(validateReview(given, open)) },
  );
  setHandler(
    commentUpdate,
    ({ author, text }) => {
      const review = requireOpen();
      change({ ...review, comments: [...review.comments, { author, text, at: now() }] });
      return `noted for ${author}`;
    },
    { validator: (given) => refuse(validateComment(given, open)) },
  );
  setHandler(
    delegateUpdate,
    ({ from, roles, to }) => {
      const review = requireOpen();
      change({ ...review, delegations: [...review.delegations, { from, roles, to, at: now() }] });
      return `${to} decides in place of ${from}`;
    },
    { validator: (given) => refuse(validateDelegation(given, open)) },
  );

  return {
    /** Waits for people, for weeks if needed. A durable timer costs nothing meanwhile. */
    async hold({ subject, digest, requester, rules, tell }: ReviewOpening): Promise<ReviewRecord> {
      const sinceMs = Date.now();
      const { deadlineHours, twoPersonRule, approvals, reviewers, escalation } = rules;
      const deadline = new Date(sinceMs + deadlineHours * hourMs).toISOString();
      change({
        digest,
        subject,
        requester,
        twoPersonRule,
        approvals,
        reviewers,
        since: now(),
        deadline,
        decisions: [],
        comments: [],
        delegations: [],
      });
      tell({ what: 'wanted' }, requireOpen());
      for (const { afterHours, what } of remindersOf(rules)) {
        if (await condition(() => outcomeOf(requireOpen()) !== undefined, sinceMs + afterHours * hourMs - Date.now()))
          break;
        if (what === 'remind') tell({ what: 'reminded' }, requireOpen());
        if (what === 'escalate') {
          const to = escalation?.to ?? [];
          change(escalate(requireOpen(), to));
          tell({ what: 'escalated', to }, requireOpen());
        }
      }
      await condition(allHandlersFinished);
      const ended = requireOpen();
      change(undefined);
      // Decisions count, not the timer: a reviewer may have been told "approved" at the moment of the deadline.
      const outcome = outcomeOf(ended) ?? 'expired';
      tell({ what: outcome }, ended);
      return { ...ended, outcome, endedAt: now() };
    },
  };
}

/** If there is no list of reviewers, anyone may decide already, so the list stays undefined. */
const escalate = (review: ReviewRequest, to: readonly string[]): ReviewRequest => ({
  ...review,
  escalatedAt: now(),
  reviewers: review.reviewers && [...review.reviewers, ...to],
});

function refuse(reason: string | undefined): void {
  if (reason !== undefined) throw ApplicationFailure.nonRetryable(reason, 'ReviewRefused');
}
