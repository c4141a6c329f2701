import { describe, expect, test } from '@jest/globals';
import { validateComment, validateDelegation, validateReview } from '../../../domain/review/validate-review.ts';
import type { ReviewRequest } from '../../../domain/review/review.ts';
import { decided, handedOver, reviewRequest as asked } from '../../builders/reviews.ts';

const given = (change: Record<string, unknown> = {}) => ({
  decision: 'approve',
  reviewer: 'Grace',
  digest: 'sha256:shown',
  ...change,
});
const reviewers = ['Grace', 'role:leads'];

describe('a decision stands', () => {
  test.each<[string, unknown, ReviewRequest]>([
    ['that approves', given(), asked()],
    ['that rejects, with a comment', given({ decision: 'reject', comment: 'Too terse.' }), asked()],
    ['of the requester where one person is enough', given({ reviewer: 'Ada' }), asked()],
    ['of another person under the two-person rule', given(), asked({ twoPersonRule: true })],
    ['of a listed person, however the name is written', given({ reviewer: ' gRACE' }), asked({ reviewers })],
    ['of a person in a listed role', given({ reviewer: 'Joan', roles: ['guests', 'Leads'] }), asked({ reviewers })],
    [
      'of the person it was handed to',
      given({ reviewer: 'Joan' }),
      asked({ reviewers, delegations: [handedOver('grace', 'joan')] }),
    ],
    [
      'of the person who got it back',
      given(),
      asked({ reviewers, delegations: [handedOver('Grace', 'Joan'), handedOver('Joan', 'Grace')] }),
    ],
    ['of a second person where two are wanted', given(), asked({ approvals: 2, decisions: [decided('Joan')] })],
    [
      'that takes an approval back',
      given({ decision: 'reject' }),
      asked({ approvals: 2, decisions: [decided('Grace')] }),
    ],
  ])('%s', (_what, raw, request) => {
    expect(validateReview(raw, request)).toBeUndefined();
  });
});

describe('a decision is refused', () => {
  const shape = /^A review is \{"decision": "approve" or "reject", "reviewer": your name, "digest": "sha256:shown"\}/;

  test.each<[string, unknown, ReviewRequest | undefined, RegExp]>([
    ['when nobody waits for it', given(), undefined, /^This lifecycle is not awaiting a review\.$/],
    [
      'once enough have approved',
      given(),
      asked({ decisions: [decided('Joan')] }),
      /^This lifecycle is not awaiting a review\.$/,
    ],
    [
      'on another digest',
      given({ digest: 'sha256:old' }),
      asked(),
      /^The digest sha256:old is not the one under review; look again, and review sha256:shown\.$/,
    ],
    [
      'of the requester under the two-person rule',
      given({ reviewer: 'Ada' }),
      asked({ twoPersonRule: true }),
      /^Ada asked for this lifecycle, and the two-person rule wants another reviewer\.$/,
    ],
    [
      'of the requester in other letters',
      given({ reviewer: ' aDA ' }),
      asked({ twoPersonRule: true }),
      /two-person rule/,
    ],
    [
      'of the requester in wide letters with a blank that shows nothing',
      given({ reviewer: 'Ａｄ\u200bａ' }),
      asked({ twoPersonRule: true }),
      /two-person rule/,
    ],
    [
      'of the requester who has the role',
      given({ reviewer: 'Ada', roles: ['leads'] }),
      asked({ twoPersonRule: true, reviewers }),
      /two-person rule/,
    ],
    [
      'of who approved already',
      given({ reviewer: 'GRACE' }),
      asked({ approvals: 2, decisions: [decided('Grace')] }),
      /^GRACE has approved it already; the other approval must come from other people\.$/,
    ],
    [
      'of a person nobody asked',
      given({ reviewer: 'Joan', roles: ['Grace'] }),
      asked({ reviewers }),
      /^Joan is not among the reviewers of this lifecycle \(Grace, role:leads\); one of them may delegate it to Joan\.$/,
    ],
    ['of a person named like a role', given({ reviewer: 'Role:Leads' }), asked({ reviewers }), shape],
    [
      'of who handed it over',
      given(),
      asked({ reviewers, delegations: [handedOver('Grace', 'Joan')] }),
      /^Grace handed this review over to Joan\.$/,
    ],
    ['that is neither yes nor no', given({ decision: 'maybe' }), asked(), shape],
    ['without a reviewer', given({ reviewer: undefined }), asked(), shape],
    ['of a reviewer without a name', given({ reviewer: ' \u200b ' }), asked(), shape],
    ['with roles that are no list', given({ roles: 'leads' }), asked(), shape],
    ['without a digest', given({ digest: undefined }), asked(), shape],
    ['with a comment that is no text', given({ comment: 5 }), asked(), shape],
    ['with a comment that is a book', given({ comment: 'x'.repeat(2001) }), asked(), shape],
    ['that is a word', 'approve', asked(), shape],
    ['that is null', null, asked(), shape],
    ['that is nothing', undefined, asked(), shape],
  ])('%s', (_what, raw, request, message) => {
    expect(validateReview(raw, request)).toMatch(message);
  });
});

describe('a comment', () => {
  const comment = (change: Record<string, unknown> = {}) => ({ author: 'Ada', text: 'Why so short?', ...change });
  const many = Array.from({ length: 100 }, () => ({ author: 'Ada', text: 'again', at: '' }));

  test('of anybody stands, also of the requester', () => {
    expect(validateComment(comment(), asked({ twoPersonRule: true, reviewers }))).toBeUndefined();
  });

  test.each<[string, unknown, ReviewRequest | undefined, RegExp]>([
    ['when nothing is under review', comment(), undefined, /not awaiting a review/],
    [
      'that says nothing',
      comment({ text: ' ' }),
      asked(),
      /^A comment is \{"author": your name, "text": at most 2000 characters\}\.$/,
    ],
    ['of nobody', comment({ author: '' }), asked(), /^A comment is/],
    ['that is too long', comment({ text: 'x'.repeat(2001) }), asked(), /^A comment is/],
    ['where there are too many', comment(), asked({ comments: many }), /^There are 100 comments already/],
  ])('is refused %s', (_what, raw, request, message) => {
    expect(validateComment(raw, request)).toMatch(message);
  });
});

describe('a delegation', () => {
  const delegation = (change: Record<string, unknown> = {}) => ({ from: 'Grace', to: 'Joan', ...change });

  test.each<[string, unknown]>([
    ['of a listed person', delegation()],
    ['of a person in a listed role', delegation({ from: 'Mary', roles: ['leads'] })],
  ])('%s stands', (_what, raw) => {
    expect(validateDelegation(raw, asked({ reviewers }))).toBeUndefined();
  });

  test.each<[string, unknown, Partial<ReviewRequest>, RegExp]>([
    ['of the wrong shape', { to: 'Joan' }, { reviewers }, /^A delegation is \{"from": your name, "to"/],
    ['where anyone may review', delegation(), {}, /^Anyone may review this, so Joan need not be named\.$/],
    ['of a person nobody asked', delegation({ from: 'Mary' }), { reviewers }, /^Mary is not among the reviewers/],
    [
      'of who handed it over before',
      delegation({ to: 'Mary' }),
      { reviewers, delegations: [handedOver('Grace', 'Joan')] },
      /^Grace handed this review over to Joan\.$/,
    ],
    [
      'of who has approved',
      delegation(),
      { reviewers, approvals: 2, decisions: [decided('Grace')] },
      /^Grace has approved it already, and can't hand that over\.$/,
    ],
    [
      'to the requester under the two-person rule',
      delegation({ to: 'ada' }),
      { reviewers, twoPersonRule: true },
      /two-person rule/,
    ],
    [
      'to somebody who is asked anyway',
      delegation({ to: 'Mary' }),
      { reviewers: [...reviewers, 'Mary'] },
      /^Mary may review this already; name somebody who may not\.$/,
    ],
    [
      'for the twenty-first time',
      delegation(),
      { reviewers, delegations: Array.from({ length: 20 }, () => handedOver('Mary', 'Kay')) },
      /^It was handed over 20 times already/,
    ],
  ])('is refused %s', (_what, raw, change, message) => {
    expect(validateDelegation(raw, asked(change))).toMatch(message);
  });
});
