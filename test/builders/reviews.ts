import { digestOf, digestOfText } from '../../domain/digest.ts';
import type { ReviewRecord, ReviewRequest, ReviewSubject } from '../../domain/review/review.ts';
import { artifact } from './artifacts.ts';
import { inputs } from './inputs.ts';

export const subject = (change: Partial<ReviewSubject> = {}): ReviewSubject => ({
  weights: artifact('model').digest,
  prompt: digestOfText(inputs().prompt.template),
  evaluationSet: artifact('dataset').digest,
  evidence: artifact('evidence').digest,
  code: artifact('code').digest,
  ...change,
});

/** What a decision on it names. */
export const digestOfSubject = digestOf(subject());

/** A review that Ada asked for, where any one person may decide, and the test's changes. */
export const reviewRequest = (change: Partial<ReviewRequest> = {}): ReviewRequest => ({
  digest: 'sha256:shown',
  subject: subject(),
  requester: 'Ada',
  twoPersonRule: false,
  approvals: 1,
  since: '2030-01-01T00:00:00.000Z',
  deadline: '2030-01-04T00:00:00.000Z',
  decisions: [],
  comments: [],
  delegations: [],
  ...change,
});

const at = '2030-01-02T00:00:00.000Z';

export const decided = (reviewer: string, decision: 'approve' | 'reject' = 'approve', comment?: string) => ({
  decision,
  reviewer,
  digest: 'sha256:shown',
  comment,
  at,
});

export const handedOver = (from: string, to: string) => ({ from, to, at });

/** Approved by Grace. */
export const reviewRecord = (change: Partial<ReviewRecord> = {}): ReviewRecord => ({
  ...reviewRequest(),
  decisions: [decided('Grace')],
  outcome: 'approved',
  endedAt: at,
  ...change,
});
