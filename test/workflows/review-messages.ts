import { expect } from '@jest/globals';
import type { ReviewDecision } from '../../domain/review/review.ts';
import type { LifecycleSpecInput } from '../../domain/spec/lifecycle-spec.ts';
import { reviewUpdate } from '../../workflows/messages.ts';
import { digestOfSubject } from '../builders/reviews.ts';
import { specInput } from '../builders/specs.ts';
import type { LifecycleHandle } from './lifecycle-lab.ts';

export const reviewed = (change: Partial<LifecycleSpecInput> = {}) =>
  specInput({ review: { by: 'person' }, ...change });

export const approval: ReviewDecision = { decision: 'approve', reviewer: 'Ada', digest: digestOfSubject };

export const hourMs = 3_600_000;

export const send = (handle: LifecycleHandle, review: unknown): Promise<string> =>
  handle.executeUpdate(reviewUpdate, { args: [review as ReviewDecision] });

/** The message a reviewer gets whose review is refused. */
export const refusalOf = (handle: LifecycleHandle, review: unknown): Promise<unknown> =>
  refusedBy(send(handle, review));

export async function refusedBy(update: Promise<string>): Promise<unknown> {
  const refusal = await update.catch((error: unknown) => error);
  expect(refusal).toMatchObject({ cause: { type: 'ReviewRefused' } });
  return (refusal as { cause: { message: unknown } }).cause.message;
}
