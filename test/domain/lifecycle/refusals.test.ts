import { expect, test } from '@jest/globals';
import { refusalByGate, refusalByReview } from '../../../domain/lifecycle/refusals.ts';
import type { ReviewRecord } from '../../../domain/review/review.ts';
import { decided, reviewRequest } from '../../builders/reviews.ts';

const record = (outcome: ReviewRecord['outcome'], changes: Partial<ReviewRecord> = {}): ReviewRecord => ({
  ...reviewRequest(),
  outcome,
  endedAt: '2026-01-01T00:00:00.000Z',
  ...changes,
});

test('the gate names every rule that failed, and no other', () => {
  const findings = [
    { rule: 'atLeast bleu', passed: false, finding: '0.1' },
    { rule: 'atMost perplexity', passed: true, finding: '3' },
    { rule: 'betterThanBase rougeL', passed: false, finding: '-0.2' },
  ].map((finding) => ({ ...finding, metric: 'bleu' as const }));

  expect(refusalByGate({ passed: false, findings })).toEqual({
    verdict: 'rejected',
    by: 'gate',
    reason: 'atLeast bleu: 0.1\nbetterThanBase rougeL: -0.2',
  });
});

test('an approved review gives no refusal', () => {
  expect(refusalByReview(record('approved', { decisions: [decided('Ada')] }), 72)).toBeUndefined();
});

test.each<[string, ReviewRecord, string, string]>([
  [
    'a rejection gives the comment as its reason',
    record('rejected', { decisions: [decided('Ada'), decided('Grace', 'reject', 'Too terse.')] }),
    'reviewer',
    'Too terse.',
  ],
  [
    'a rejection without a comment names the reviewer',
    record('rejected', { decisions: [decided('Grace', 'reject')] }),
    'reviewer',
    'Grace rejected it.',
  ],
  [
    'an expired review without decisions says that nobody reviewed it',
    record('expired', { decisions: [] }),
    'deadline',
    'Nobody reviewed it within 72 hours.',
  ],
  [
    'an expired review with too few approvals names who approved',
    record('expired', { decisions: [decided('Ada')] }),
    'deadline',
    'Too few (Ada) reviewed it within 72 hours.',
  ],
])('%s', (_title, review, by, reason) => {
  expect(refusalByReview(review, 72)).toEqual({ verdict: 'rejected', by, reason });
});

test('a stale approval names the reviewer and the changes', () => {
  const refusal = refusalByReview(record('stale', { decisions: [decided('Ada')], changes: ['other weights'] }), 72);
  expect(refusal).toMatchObject({ by: 'stale', reason: expect.stringContaining('What Ada approved') });
  expect(refusal?.reason).toContain('other weights');
});
