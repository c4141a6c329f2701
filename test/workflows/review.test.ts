import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ApplicationFailure } from '@temporalio/common';
import type { LifecycleSpecInput } from '../../domain/spec/lifecycle-spec.ts';
import type { Delegation, ReviewComment, ReviewDecision } from '../../domain/review/review.ts';
import { commentUpdate, delegateUpdate, reviewUpdate, statusQuery } from '../../workflows/messages.ts';
import { fakeActivities, stop } from '../builders/activities.ts';
import { artifact } from '../builders/artifacts.ts';
import { inputs } from '../builders/inputs.ts';
import { digestOfSubject, subject } from '../builders/reviews.ts';
import { specInput } from '../builders/specs.ts';
import { startTimeSkipping } from '../support/temporal.ts';
import { LifecycleLab, untilReviewIsAwaited, type LifecycleHandle } from './lifecycle-lab.ts';

let lab: LifecycleLab;
beforeAll(async () => {
  lab = await LifecycleLab.open(startTimeSkipping());
});
afterAll(() => lab.close());

const reviewed = (change: Partial<LifecycleSpecInput> = {}) => specInput({ review: { by: 'person' }, ...change });

const approval: ReviewDecision = { decision: 'approve', reviewer: 'Ada', digest: digestOfSubject };

const hourMs = 3_600_000;

const send = (handle: LifecycleHandle, review: unknown): Promise<string> =>
  handle.executeUpdate(reviewUpdate, { args: [review as ReviewDecision] });

/** The message a reviewer gets whose review is refused. */
const refusalOf = (handle: LifecycleHandle, review: unknown): Promise<unknown> => refusedBy(send(handle, review));

async function refusedBy(update: Promise<string>): Promise<unknown> {
  const refusal = await update.catch((error: unknown) => error);
  expect(refusal).toMatchObject({ cause: { type: 'ReviewRefused' } });
  return (refusal as { cause: { message: unknown } }).cause.message;
}

describe('a candidate that the gate let through', () => {
  test('is promoted once a person approves it', async () => {
    const fakes = fakeActivities();
    const { shown, answer, result } = await lab.run(fakes.activities, reviewed(), async (handle) => {
      await untilReviewIsAwaited(handle);
      expect(fakes.argumentsOf('registerVersion')).toEqual([]);
      return {
        shown: await handle.query(statusQuery),
        answer: await send(handle, { ...approval, comment: 'Reads well.' }),
        result: await handle.result(),
      };
    });

    expect(shown).toMatchObject({
      stage: 'review',
      gate: { passed: true },
      awaitingReview: {
        digest: digestOfSubject,
        subject: subject(),
        twoPersonRule: false,
        decisions: [],
        comments: [],
      },
    });
    expect(Date.parse(shown.awaitingReview?.deadline ?? '') - Date.parse(shown.awaitingReview?.since ?? '')).toBe(
      72 * hourMs,
    );
    expect(answer).toBe('approved by Ada');
    expect(result).toMatchObject({ verdict: 'promoted', version: '1' });
    const review = { outcome: 'approved', subject: subject(), decisions: [{ ...approval, comment: 'Reads well.' }] };
    expect(fakes.argumentsOf('closeReview')).toMatchObject([['parent-run', review]]);
    expect(fakes.argumentsOf('registerVersion')).toMatchObject([[{ review, weights: artifact('model') }]]);
    const candidate = {
      weights: artifact('model'),
      dataset: artifact('dataset'),
      evidence: artifact('evidence'),
      prompt: inputs().prompt,
    };
    expect(fakes.argumentsOf('openReview')).toEqual([[candidate]]);
    expect(fakes.argumentsOf('verifySubject')).toEqual([[candidate, subject()]]);
    const called = fakes.calls.map(({ name }) => name).filter((name) => name !== 'tellTeam');
    expect(called.slice(called.indexOf('openReview'))).toEqual([
      'openReview',
      'closeReview',
      'verifySubject',
      'registerVersion',
      'askEndpoint',
      'recordRelease',
      'closeLifecycle',
    ]);
  });

  test.each([
    ['with the comment', 'Too terse.', 'Too terse.'],
    ['with the name where there is no comment', undefined, 'Ada rejected it.'],
  ])('is rejected by a person, %s as the reason', async (_how, comment, reason) => {
    const fakes = fakeActivities();
    const result = await lab.run(fakes.activities, reviewed(), async (handle) => {
      await untilReviewIsAwaited(handle);
      expect(
        await send(handle, { ...approval, decision: 'reject', ...(comment === undefined ? {} : { comment }) }),
      ).toBe('rejected by Ada');
      return handle.result();
    });

    expect(result).toMatchObject({ verdict: 'rejected', by: 'reviewer', reason });
    expect(fakes.argumentsOf('closeReview')).toMatchObject([['parent-run', { outcome: 'rejected' }]]);
    for (const name of ['verifySubject', 'registerVersion'] as const) expect(fakes.argumentsOf(name)).toEqual([]);
    expect(fakes.argumentsOf('closeLifecycle')).toEqual([['parent-run', 'FINISHED', 'rejected']]);
  });

  test('is rejected where nobody reviews it in time', async () => {
    const fakes = fakeActivities();
    const { result, hours } = await lab.run(fakes.activities, reviewed(), async (handle) => {
      const outcome = await handle.result();
      const { startTime, closeTime } = await handle.describe();
      return { result: outcome, hours: (Number(closeTime) - Number(startTime)) / hourMs };
    });

    expect(result).toMatchObject({
      verdict: 'rejected',
      by: 'deadline',
      reason: 'Nobody reviewed it within 72 hours.',
    });
    expect(hours).toBeCloseTo(72, 0);
    expect(fakes.argumentsOf('closeReview')).toMatchObject([['parent-run', { outcome: 'expired', decisions: [] }]]);
    expect(fakes.argumentsOf('registerVersion')).toEqual([]);
    expect(fakes.argumentsOf('closeLifecycle')).toEqual([['parent-run', 'FINISHED', 'rejected']]);
  });
});

describe('a review is refused', () => {
  const stale = artifact('an earlier model').digest;
  const current = digestOfSubject;

  test.each<[string, unknown, string]>([
    [
      'of something else',
      { ...approval, digest: stale },
      `The digest ${stale} is not the one under review; look again, and review ${current}.`,
    ],
    [
      'of the wrong shape',
      { verdict: 'ok' },
      `A review is {"decision": "approve" or "reject", "reviewer": your name, "digest": "${current}"}, and a "comment" of at most 2000 characters if you like.`,
    ],
    [
      'by the requester under the two-person rule',
      { ...approval, reviewer: ' GRACE ' },
      ' GRACE  asked for this lifecycle, and the two-person rule wants another reviewer.',
    ],
  ])('%s, and a proper one still counts', async (_what, review, message) => {
    const fakes = fakeActivities();
    const spec = reviewed({ requester: 'Grace', review: { by: 'person', twoPersonRule: true } });
    const { refusal, result } = await lab.run(fakes.activities, spec, async (handle) => {
      await untilReviewIsAwaited(handle);
      const answer = await refusalOf(handle, review);
      await send(handle, approval);
      return { refusal: answer, result: await handle.result() };
    });

    expect(refusal).toBe(message);
    expect(result).toMatchObject({ verdict: 'promoted' });
    expect(fakes.argumentsOf('closeReview')).toMatchObject([['parent-run', { decisions: [approval] }]]);
  });

  test('that comes second', async () => {
    const recording = stop();
    const fakes = fakeActivities({}, ({ name }) => (name === 'closeReview' ? recording.hold() : Promise.resolve()));
    const { refusal, result } = await lab.run(fakes.activities, reviewed(), async (handle) => {
      await untilReviewIsAwaited(handle);
      await send(handle, approval);
      await recording.reached;
      const second = await refusalOf(handle, { ...approval, decision: 'reject' });
      recording.release();
      return { refusal: second, result: await handle.result() };
    });

    expect(refusal).toBe('This lifecycle is not awaiting a review.');
    expect(result).toMatchObject({ verdict: 'promoted' });
  });

  test('of two at once', async () => {
    const fakes = fakeActivities();
    const { answers, result } = await lab.run(fakes.activities, reviewed(), async (handle) => {
      await untilReviewIsAwaited(handle);
      const settled = await Promise.allSettled([
        send(handle, approval),
        send(handle, { ...approval, reviewer: 'Grace' }),
      ]);
      return { answers: settled, result: await handle.result() };
    });

    expect(answers.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(fakes.argumentsOf('closeReview')).toHaveLength(1);
    expect(result).toMatchObject({ verdict: 'promoted' });
  });

  test('before there is anything to review', async () => {
    const tuning = stop();
    const fakes = fakeActivities({}, (call) =>
      call.name === 'runJob' && call.args[0].spec.stage === 'tune' ? tuning.hold() : Promise.resolve(),
    );
    const refusal = await lab.run(fakes.activities, reviewed(), async (handle) => {
      await tuning.reached;
      const early = await refusalOf(handle, approval);
      tuning.release();
      await untilReviewIsAwaited(handle);
      await send(handle, approval);
      await handle.result();
      return early;
    });

    expect(refusal).toBe('This lifecycle is not awaiting a review.');
  });
});

describe('what was approved', () => {
  test('is not deployed where it changed before: nothing is registered, and the record says what', async () => {
    const changes = [
      'the weights (approved sha256:a, found sha256:b)',
      'the evidence (approved sha256:c, found nothing)',
    ];
    const fakes = fakeActivities({ verifySubject: () => Promise.resolve(changes) });
    const result = await lab.run(fakes.activities, reviewed(), async (handle) => {
      await untilReviewIsAwaited(handle);
      await send(handle, approval);
      return handle.result();
    });

    const reason = `What Ada approved is not there any more: ${changes.join(', ')}. Start the lifecycle again, and have that reviewed.`;
    expect(result).toMatchObject({ verdict: 'rejected', by: 'stale', reason });
    for (const name of ['registerVersion', 'askEndpoint'] as const) expect(fakes.argumentsOf(name)).toEqual([]);
    expect(fakes.argumentsOf('closeReview')).toMatchObject([
      ['parent-run', { outcome: 'approved' }],
      ['parent-run', { outcome: 'stale', changes }],
    ]);
    expect(fakes.argumentsOf('closeLifecycle')).toEqual([['parent-run', 'FINISHED', 'rejected']]);
    expect(fakes.argumentsOf('tellTeam').at(-1)).toEqual([expect.stringContaining('not deployed')]);
  });
});

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

  test('that are too few when time is up have not approved', async () => {
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

  test('may be decided by who it was escalated to, but not before', async () => {
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

  test('is not held up by people who can not be told', async () => {
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
