import type { CancelCause, Wait } from './job.ts';

const minute = 60_000;

/**
 * The limit for each kind of wait, and the failure class after it. Waiting for quota has no limit, because it is normal
 * in a queue.
 */
const clocks: Readonly<Record<Wait['for'], { readonly limitMs: number; readonly cause: CancelCause }>> = {
  quota: { limitMs: Infinity, cause: 'Unschedulable' },
  // An autoscaler takes minutes to add a GPU node, and a running Job may end and free one.
  node: { limitMs: 60 * minute, cause: 'Unschedulable' },
  // An overloaded registry recovers within minutes; a wrong name never works.
  image: { limitMs: 5 * minute, cause: 'ImagePull' },
  start: { limitMs: 15 * minute, cause: 'BadConfig' },
};

/** Returns the cause and the reason to give up a Job that waits too long; undefined while it may wait. */
export function checkWait(
  wait: Wait,
  nowMs: number,
): { readonly cause: CancelCause; readonly reason: string } | undefined {
  const { limitMs, cause } = clocks[wait.for];
  if (wait.hopeless) return { cause, reason: wait.message };
  if (nowMs - wait.sinceMs < limitMs) return undefined;
  return { cause, reason: `It waited longer than ${limitMs / minute} minutes: ${wait.message}` };
}
