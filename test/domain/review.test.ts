import { describe, expect, test } from '@jest/globals';
import { refuseReview, type ReviewRequest } from '../../domain/review.ts';

const asked = (change: Partial<ReviewRequest> = {}): ReviewRequest => ({ digest: 'sha256:shown', requester: 'Ada', twoPersonRule: false, ...change });
const given = (change: Record<string, unknown> = {}) => ({ decision: 'approve', reviewer: 'Grace', digest: 'sha256:shown', ...change });

describe('a decision stands', () => {
  test.each<[string, unknown, ReviewRequest]>([
    ['that approves', given(), asked()],
    ['that rejects, with a comment', given({ decision: 'reject', comment: 'Too terse.' }), asked()],
    ['of the requester where one person is enough', given({ reviewer: 'Ada' }), asked()],
    ['of another person under the two-person rule', given(), asked({ twoPersonRule: true })],
  ])('%s', (_what, raw, request) => {
    expect(refuseReview(raw, request)).toBeUndefined();
  });
});

describe('a decision is refused', () => {
  const shape = /^A review is \{"decision": "approve" or "reject", "reviewer": your name, "digest": "sha256:shown"\}/;

  test.each<[string, unknown, ReviewRequest | undefined, RegExp]>([
    ['when nobody waits for it', given(), undefined, /^This lifecycle is not awaiting a review\.$/],
    ['on another digest', given({ digest: 'sha256:old' }), asked(), /^The digest sha256:old is not the one under review; look again, and review sha256:shown\.$/],
    ['of the requester under the two-person rule', given({ reviewer: 'Ada' }), asked({ twoPersonRule: true }), /^Ada asked for this lifecycle, and the two-person rule wants another reviewer\.$/],
    ['of the requester in other letters', given({ reviewer: ' aDA ' }), asked({ twoPersonRule: true }), /two-person rule/],
    ['that is neither yes nor no', given({ decision: 'maybe' }), asked(), shape],
    ['without a reviewer', given({ reviewer: undefined }), asked(), shape],
    ['of a reviewer without a name', given({ reviewer: '  ' }), asked(), shape],
    ['without a digest', given({ digest: undefined }), asked(), shape],
    ['with a comment that is no text', given({ comment: 5 }), asked(), shape],
    ['that is a word', 'approve', asked(), shape],
    ['that is null', null, asked(), shape],
    ['that is nothing', undefined, asked(), shape],
  ])('%s', (_what, raw, request, message) => {
    expect(refuseReview(raw, request)).toMatch(message);
  });
});
