import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ApplicationFailure } from '@temporalio/common';
import type { Delegation, ReviewComment } from '../../domain/review/review.ts';
import { commentUpdate, delegateUpdate, statusQuery } from '../../workflows/messages.ts';
import { fakeActivities, stop } from '../builders/activities.ts';
import { startTimeSkipping } from '../support/temporal.ts';
import { LifecycleLab, untilReviewIsAwaited } from './lifecycle-lab.ts';
import { reviewed, send, approval, refusalOf, refusedBy, hourMs } from './review-messages.ts';

let lab: LifecycleLab;
beforeAll(async () => {
  lab = await LifecycleLab.open(startTimeSkipping());
});
afterAll(() => lab.close());

describe('several people', () => {
  test('have to approve where several are wanted, and one of them may not do so twice', async () => {
    const fakes = fakeActivities();
    const { first, again, shown, last, result } = await lab.run(
      fakes.activities,
      reviewed({ review: { by: 'person', approvals: 2 } }),
      async (handle) => {
        await untilReviewIsAwaited(handle);
        return {
          first: await send(handle, approval),
          again: await refusalOf(handle, { ...approval, reviewer: 'ada ' }),
          shown: {
            ...(await handle.query(statusQuery)),
            ...(await handle.query<{ currentDetails: string }>('__temporal_workflow_metadata')),
          },
          last: await send(handle, { ...approval, reviewer: 'Grace' }),
          result: await handle.result(),
        };
      },
    );

    expect([first, again, last]).toEqual([
      'approved by Ada; 1 more must approve',
      'ada  has approved it already; the other approval must come from other people.',
      'approved by Grace',
    ]);
    expect(shown).toMatchObject({
      stage: 'review',
      awaitingReview: { approvals: 2, decisions: [{ reviewer: 'Ada' }] },
    });
    expect(shown.currentDetails).toContain(
      `Awaits an approval by anyone, until ${shown.awaitingReview?.deadline ?? ''}.\n- approve, Ada\n`,
    );
    expect(result).toMatchObject({ verdict: 'promoted' });
    expect(fakes.argumentsOf('closeReview')).toMatchObject([
      ['parent-run', { decisions: [{ reviewer: 'Ada' }, { reviewer: 'Grace' }] }],
    ]);
  });

  test('do not approve where too few of them decided in time', async () => {
    const fakes = fakeActivities();
    const result = await lab.run(
      fakes.activities,
      reviewed({ review: { by: 'person', approvals: 2 } }),
      async (handle) => {
        await untilReviewIsAwaited(handle);
        await send(handle, approval);
        return handle.result();
      },
    );

    expect(result).toMatchObject({
      verdict: 'rejected',
      by: 'deadline',
      reason: 'Too few (Ada) reviewed it within 72 hours.',
    });
    expect(fakes.argumentsOf('registerVersion')).toEqual([]);
  });

  test('comment and hand over, and all of it is kept', async () => {
    const fakes = fakeActivities();
    const comment: ReviewComment = { author: 'Mary', text: 'Why so short?' };
    const delegation: Delegation = { from: 'Grace', roles: ['leads'], to: 'Joan' };
    const { refusals, answers, result } = await lab.run(
      fakes.activities,
      reviewed({ review: { by: 'person', reviewers: ['role:leads'] } }),
      async (handle) => {
        await untilReviewIsAwaited(handle);
        const comments = (given: unknown) => handle.executeUpdate(commentUpdate, { args: [given as ReviewComment] });
        const delegates = (given: unknown) => handle.executeUpdate(delegateUpdate, { args: [given as Delegation] });
        return {
          refusals: [
            await refusalOf(handle, approval),
            await refusedBy(comments({ author: 'Mary' })),
            await refusedBy(delegates({ from: 'Mary', to: 'Joan' })),
          ],
          answers: [
            await comments(comment),
            await delegates(delegation),
            await send(handle, { ...approval, reviewer: 'Joan' }),
          ],
          result: await handle.result(),
        };
      },
    );

    expect(refusals).toEqual([
      expect.stringContaining('Ada is not among the reviewers'),
      expect.stringContaining('A comment is'),
      expect.stringContaining('Mary is not among the reviewers'),
    ]);
    expect(answers).toEqual(['noted for Mary', 'Joan decides in place of Grace', 'approved by Joan']);
    expect(result).toMatchObject({ verdict: 'promoted' });
    expect(fakes.argumentsOf('closeReview')).toMatchObject([
      ['parent-run', { comments: [comment], delegations: [delegation], decisions: [{ reviewer: 'Joan' }] }],
    ]);
  });
});

describe('a review that takes weeks', () => {
  const review = {
    by: 'person' as const,
    deadlineHours: 6 * 168,
    reminderHours: 168,
    reviewers: ['Ada'],
    escalation: { afterHours: 500, to: ['Grace'] },
  };

  test('reminds each week, escalates once, and ends at its deadline', async () => {
    const fakes = fakeActivities();
    const { result, hours } = await lab.run(fakes.activities, reviewed({ review }), async (handle) => {
      const outcome = await handle.result();
      const { events = [] } = await handle.fetchHistory();
      const opened = events?.find((event) => event.timerStartedEventAttributes)?.eventTime?.seconds;
      const fired = (events ?? [])
        .filter((event) => event.timerFiredEventAttributes)
        .map((event) => Math.round((Number(event.eventTime?.seconds) - Number(opened)) / 3600));
      return { result: outcome, hours: fired };
    });

    expect(hours).toEqual([168, 336, 500, 504, 672, 840, 1008]);
    const told = fakes
      .argumentsOf('tellTeam')
      .map(([text]) => (text.split('\n', 1)[0] ?? '').replace(/, since .*/, ''));
    const reminder = 'summaries (lifecycle-N) still awaits a review';
    expect(told.map((line) => line.replace(/lifecycle-\d+/, 'lifecycle-N'))).toEqual([
      'summaries (lifecycle-N) awaits a review.',
      reminder,
      reminder,
      'summaries (lifecycle-N) was not decided on in time; Grace may now decide, too.',
      reminder,
      reminder,
      reminder,
      expect.stringMatching(/^summaries \(lifecycle-N\) was rejected: nobody decided until /),
    ]);
    expect(result).toMatchObject({
      verdict: 'rejected',
      by: 'deadline',
      reason: 'Nobody reviewed it within 1008 hours.',
    });
    expect(fakes.argumentsOf('closeReview')).toMatchObject([
      ['parent-run', { outcome: 'expired', reviewers: ['Ada', 'Grace'], escalatedAt: expect.any(String) }],
    ]);
  });

  test('may be decided by those it was escalated to, but not before the escalation', async () => {
    const escalated = stop();
    const fakes = fakeActivities({}, (call) => {
      if (call.name === 'tellTeam' && call.args[0].includes('may now decide')) escalated.reach();
      return Promise.resolve();
    });
    const decision = { ...approval, reviewer: 'Grace' };
    const { refusal, result } = await lab.run(fakes.activities, reviewed({ review }), async (handle) => {
      await untilReviewIsAwaited(handle);
      const early = await refusalOf(handle, decision);
      await lab.sleep(501 * hourMs);
      await escalated.reached;
      await send(handle, decision);
      return { refusal: early, result: await handle.result() };
    });

    expect(refusal).toContain('Grace is not among the reviewers');
    expect(result).toMatchObject({ verdict: 'promoted' });
  });

  test('goes on where the notification of people fails', async () => {
    const fakes = fakeActivities({
      tellTeam: () => Promise.reject(ApplicationFailure.nonRetryable('The review webhook answered 404.', 'BadWebhook')),
    });
    const result = await lab.run(fakes.activities, reviewed(), async (handle) => {
      await untilReviewIsAwaited(handle);
      await send(handle, approval);
      return handle.result();
    });
    expect(result).toMatchObject({ verdict: 'promoted' });
  });
});
