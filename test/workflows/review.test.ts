import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { LifecycleSpecInput } from '../../domain/lifecycle-spec.ts';
import type { ReviewDecision } from '../../domain/review.ts';
import { reviewUpdate, statusQuery } from '../../workflows/messages.ts';
import { fakeActivities, stop } from '../builders/activities.ts';
import { artifact } from '../builders/artifacts.ts';
import { specInput } from '../builders/specs.ts';
import { startTimeSkipping } from '../support/temporal.ts';
import { LifecycleLab, untilReviewIsAwaited, type LifecycleHandle } from './lifecycle-lab.ts';

let lab: LifecycleLab;
beforeAll(async () => {
  lab = await LifecycleLab.open(startTimeSkipping());
});
afterAll(() => lab.close());

const reviewed = (change: Partial<LifecycleSpecInput> = {}) => specInput({ review: { by: 'person' }, ...change });

const approval: ReviewDecision = { decision: 'approve', reviewer: 'Ada', digest: artifact('model').digest };

const send = (handle: LifecycleHandle, review: unknown): Promise<string> => handle.executeUpdate(reviewUpdate, { args: [review as ReviewDecision] });

/** The message a reviewer gets whose review is refused. */
async function refusalOf(handle: LifecycleHandle, review: unknown): Promise<unknown> {
  const refusal = await send(handle, review).catch((error: unknown) => error);
  expect(refusal).toMatchObject({ cause: { type: 'ReviewRefused' } });
  return (refusal as { cause: { message: unknown } }).cause.message;
}

describe('a candidate that the gate let through', () => {
  test('is promoted once a person approves it', async () => {
    const fakes = fakeActivities();
    const { shown, answer, result } = await lab.run(fakes.activities, reviewed(), async (handle) => {
      await untilReviewIsAwaited(handle);
      expect(fakes.argumentsOf('registerVersion')).toEqual([]);
      return { shown: await handle.query(statusQuery), answer: await send(handle, { ...approval, comment: 'Reads well.' }), result: await handle.result() };
    });

    expect(shown).toMatchObject({ stage: 'review', gate: { passed: true }, awaitingReview: { digest: artifact('model').digest, twoPersonRule: false } });
    expect(answer).toBe('approved by Ada');
    expect(result).toMatchObject({ verdict: 'promoted', version: '1' });
    const decision = { ...approval, comment: 'Reads well.' };
    expect(fakes.argumentsOf('recordReview')).toEqual([['parent-run', decision, artifact('evidence')]]);
    expect(fakes.argumentsOf('registerVersion')).toMatchObject([[{ decision, weights: artifact('model') }]]);
  });

  test.each([
    ['with the comment', 'Too terse.', 'Too terse.'],
    ['with the name where there is no comment', undefined, 'Ada rejected it.'],
  ])('is rejected by a person, %s as the reason', async (_how, comment, reason) => {
    const fakes = fakeActivities();
    const result = await lab.run(fakes.activities, reviewed(), async (handle) => {
      await untilReviewIsAwaited(handle);
      expect(await send(handle, { ...approval, decision: 'reject', ...(comment === undefined ? {} : { comment }) })).toBe('rejected by Ada');
      return handle.result();
    });

    expect(result).toMatchObject({ verdict: 'rejected', by: 'reviewer', reason });
    expect(fakes.argumentsOf('recordReview')).toHaveLength(1);
    expect(fakes.argumentsOf('registerVersion')).toEqual([]);
    expect(fakes.argumentsOf('closeLifecycle')).toEqual([['parent-run', 'FINISHED', 'rejected']]);
  });

  test('is rejected where nobody reviews it in time', async () => {
    const fakes = fakeActivities();
    const { result, hours } = await lab.run(fakes.activities, reviewed(), async (handle) => {
      const result = await handle.result();
      const { startTime, closeTime } = await handle.describe();
      return { result, hours: (Number(closeTime) - Number(startTime)) / 3_600_000 };
    });

    expect(result).toMatchObject({ verdict: 'rejected', by: 'deadline', reason: 'Nobody reviewed it within 72 hours.' });
    expect(hours).toBeCloseTo(72, 0);
    for (const name of ['recordReview', 'registerVersion'] as const) expect(fakes.argumentsOf(name)).toEqual([]);
    expect(fakes.argumentsOf('closeLifecycle')).toEqual([['parent-run', 'FINISHED', 'rejected']]);
  });
});

describe('a review is refused', () => {
  const stale = artifact('an earlier model').digest;
  const current = artifact('model').digest;

  test.each<[string, unknown, string]>([
    ['of other weights', { ...approval, digest: stale }, `The digest ${stale} is not the one under review; look again, and review ${current}.`],
    [
      'of the wrong shape',
      { verdict: 'ok' },
      `A review is {"decision": "approve" or "reject", "reviewer": your name, "digest": "${current}"}, and a "comment" if you like.`,
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
      const refusal = await refusalOf(handle, review);
      await send(handle, approval);
      return { refusal, result: await handle.result() };
    });

    expect(refusal).toBe(message);
    expect(result).toMatchObject({ verdict: 'promoted' });
    expect(fakes.argumentsOf('recordReview')).toMatchObject([['parent-run', approval, artifact('evidence')]]);
  });

  test('that comes second', async () => {
    const recording = stop();
    const fakes = fakeActivities({}, ({ name }) => (name === 'recordReview' ? recording.hold() : Promise.resolve()));
    const { refusal, result } = await lab.run(fakes.activities, reviewed(), async (handle) => {
      await untilReviewIsAwaited(handle);
      await send(handle, approval);
      await recording.reached;
      const refusal = await refusalOf(handle, { ...approval, decision: 'reject' });
      recording.release();
      return { refusal, result: await handle.result() };
    });

    expect(refusal).toBe('This lifecycle is not awaiting a review.');
    expect(result).toMatchObject({ verdict: 'promoted' });
  });

  test('of two at once', async () => {
    const fakes = fakeActivities();
    const { answers, result } = await lab.run(fakes.activities, reviewed(), async (handle) => {
      await untilReviewIsAwaited(handle);
      const answers = await Promise.allSettled([send(handle, approval), send(handle, { ...approval, reviewer: 'Grace' })]);
      return { answers, result: await handle.result() };
    });

    expect(answers.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(fakes.argumentsOf('recordReview')).toHaveLength(1);
    expect(result).toMatchObject({ verdict: 'promoted' });
  });

  test('before there is anything to review', async () => {
    const tuning = stop();
    const fakes = fakeActivities({}, (call) => (call.name === 'runJob' && call.args[0].spec.stage === 'tune' ? tuning.hold() : Promise.resolve()));
    const refusal = await lab.run(fakes.activities, reviewed(), async (handle) => {
      await tuning.reached;
      const refusal = await refusalOf(handle, approval);
      tuning.release();
      await untilReviewIsAwaited(handle);
      await send(handle, approval);
      await handle.result();
      return refusal;
    });

    expect(refusal).toBe('This lifecycle is not awaiting a review.');
  });
});
