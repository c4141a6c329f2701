import type { Verdict } from '../gate/gate.ts';
import { decidedBy, type ReviewRecord } from '../review/review.ts';
import type { Refusal } from './lifecycle.ts';

/** The reason names every rule that the candidate failed. */
export const refusalByGate = ({ findings }: Verdict): Refusal => ({
  verdict: 'rejected',
  by: 'gate',
  reason: findings
    .filter(({ passed }) => !passed)
    .map(({ rule, finding }) => `${rule}: ${finding}`)
    .join('\n'),
});

/** Undefined if the review approved the candidate. */
export function refusalByReview(record: ReviewRecord, deadlineHours: number): Refusal | undefined {
  switch (record.outcome) {
    case 'approved':
      return undefined;
    case 'stale':
      return { verdict: 'rejected', by: 'stale', reason: reasonForStale(record) };
    case 'rejected':
      return { verdict: 'rejected', by: 'reviewer', reason: reasonForRejection(record) };
    case 'expired':
      return { verdict: 'rejected', by: 'deadline', reason: reasonForExpiry(record, deadlineHours) };
  }
}

const reasonForStale = (record: ReviewRecord): string =>
  `What ${decidedBy(record)} approved is not there any more: ${(record.changes ?? []).join(', ')}. ` +
  'Start the lifecycle again, and have that reviewed.';

function reasonForRejection({ decisions }: ReviewRecord): string {
  const rejection = decisions.find(({ decision }) => decision === 'reject');
  return rejection?.comment ?? `${rejection?.reviewer ?? 'A reviewer'} rejected it.`;
}

function reasonForExpiry(record: ReviewRecord, deadlineHours: number): string {
  const who = record.decisions.length === 0 ? 'Nobody' : `Too few (${decidedBy(record)})`;
  return `${who} reviewed it within ${deadlineHours} hours.`;
}
