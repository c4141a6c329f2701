import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { statusQuery } from '../../workflows/messages.ts';
import { fakeActivities, stop } from '../builders/activities.ts';
import { artifact } from '../builders/artifacts.ts';
import { inputs } from '../builders/inputs.ts';
import { digestOfSubject, subject } from '../builders/reviews.ts';
import { startTimeSkipping } from '../support/temporal.ts';
import { LifecycleLab, untilReviewIsAwaited } from './lifecycle-lab.ts';
import { reviewed, send, approval, hourMs, refusalOf } from './review-messages.ts';

let lab: LifecycleLab;
beforeAll(async () => {
  lab = await LifecycleLab.open(startTimeSkipping());
});
afterAll(() => lab.close());

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

describe('a review', () => {
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
  ])('%s is refused, and a proper one still counts', async (_what, review, message) => {
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

  test('that comes second is refused', async () => {
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

  test('is refused to one of two people who decide at once', async () => {
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

  test('is refused before there is anything to review', async () => {
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
