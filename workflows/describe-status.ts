import { describeWait } from '../domain/job/job.ts';
import type { LifecycleStatus } from '../domain/lifecycle/lifecycle.ts';
import type { ReviewRequest } from '../domain/review/review.ts';

/** A summary of a lifecycle for Temporal's UI, as Markdown. */
export function describeStatus(status: LifecycleStatus): string {
  const lines = [
    `**${status.model ?? 'lifecycle'}**: ${status.stage}${status.attempt > 1 ? `, attempt ${status.attempt}` : ''}`,
    ...(status.waiting
      ? [`${describeWait(status.waiting)} (since ${new Date(status.waiting.sinceMs).toISOString()})`]
      : []),
    ...status.finished.map(({ stage, reused }) => `- ${stage}: ${reused ? 'reused' : 'done'}`),
    ...(status.gate?.findings ?? []).map(
      ({ rule, passed, finding }) => `- ${passed ? 'pass' : '**FAIL**'} ${rule} — ${finding}`,
    ),
  ];
  if (status.awaitingReview) lines.push('', ...describeReview(status.awaitingReview));
  return lines.join('\n');
}

function describeReview({
  digest,
  deadline,
  approvals,
  reviewers,
  decisions,
  comments,
  delegations,
}: ReviewRequest): readonly string[] {
  const missing = approvals - decisions.length;
  return [
    `Awaits ${missing === 1 ? 'an approval' : `${missing} approvals`} by ${reviewers?.join(', ') ?? 'anyone'}, until ${deadline}.`,
    ...delegations.map(({ from, to }) => `- ${to} decides in place of ${from}`),
    ...decisions.map(
      ({ decision, reviewer, comment }) => `- ${decision}, ${reviewer}${comment ? `: ${quote(comment)}` : ''}`,
    ),
    ...comments.map(({ author, text }) => `- ${author}: ${quote(text)}`),
    'Send the Update `review` with:',
    '```json',
    JSON.stringify({ decision: 'approve', reviewer: 'your name', digest, comment: '' }),
    '```',
  ];
}

/** Shortens a person's text to one line of at most 200 characters; the status holds the whole text. */
const quote = (text: string): string => {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > 200 ? `${line.slice(0, 199)}…` : line;
};
