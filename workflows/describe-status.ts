import { describeWait } from '../domain/job.ts';
import type { LifecycleStatus } from '../domain/lifecycle.ts';

/** What Temporal's UI shows of a lifecycle at a glance, as Markdown. */
export function describeStatus(status: LifecycleStatus): string {
  const lines = [
    `**${status.model ?? 'lifecycle'}**: ${status.stage}${status.attempt > 1 ? `, attempt ${status.attempt}` : ''}`,
    ...(status.waiting ? [`${describeWait(status.waiting)} (since ${new Date(status.waiting.sinceMs).toISOString()})`] : []),
    ...status.finished.map(({ stage, reused }) => `- ${stage}: ${reused ? 'reused' : 'done'}`),
    ...(status.gate?.findings ?? []).map(({ rule, passed, finding }) => `- ${passed ? 'pass' : '**FAIL**'} ${rule} — ${finding}`),
  ];
  if (status.awaitingReview)
    lines.push(
      '',
      'Awaits a review. Send the Update `review` with:',
      '```json',
      JSON.stringify({ decision: 'approve', reviewer: 'your name', digest: status.awaitingReview.digest, comment: '' }),
      '```',
    );
  return lines.join('\n');
}
