import { expect, test } from '@jest/globals';
import { checkLifecycleSpec } from '../../../domain/spec/explain-spec.ts';
import { specInput } from '../../builders/specs.ts';
import { mistyped, problemsOf } from './spec-problems.ts';

test.each([
  { approvals: 2, reviewers: ['ada', 'grace'] },
  { approvals: 9, reviewers: ['ada', 'role:leads'] },
  { approvals: 2, reviewers: ['ada'], escalation: { afterHours: 1, to: ['grace'] } },
  { approvals: 9 },
])('a review that enough people could approve is right: %j', (review) => {
  expect(problemsOf(mistyped({ review: { by: 'person', ...review } }))).toEqual([]);
});

test('a review by a person has a deadline of three days', () => {
  expect(checkLifecycleSpec(specInput({ review: { by: 'person' } }))).toMatchObject({
    ok: true,
    spec: { review: { deadlineHours: 72, twoPersonRule: false } },
  });
});
