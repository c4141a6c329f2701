import type { CancelCause, Wait } from './job.ts';

const minute = 60_000;

/** How long each kind of wait may take, and what it is called when it took longer. Waiting for quota is what a queue is for. */
const clocks: Readonly<Record<Wait['for'], { readonly limitMs: number; readonly cause: CancelCause }>> = {
  quota: { limitMs: Infinity, cause: 'Unschedulable' },
  // An autoscaler takes minutes to bring a GPU node, and another's Job may end meanwhile.
  node: { limitMs: 60 * minute, cause: 'Unschedulable' },
  // A registry that is out of breath recovers within minutes; a wrong name never does.
  image: { limitMs: 5 * minute, cause: 'ImagePull' },
  start: { limitMs: 15 * minute, cause: 'BadConfig' },
};

/** Whether to give up a Job that does not start, and in which words. */
export function checkWait(
  wait: Wait,
  nowMs: number,
): { readonly cause: CancelCause; readonly reason: string } | undefined {
  const { limitMs, cause } = clocks[wait.for];
  if (wait.hopeless) return { cause, reason: wait.message };
  if (nowMs - wait.sinceMs < limitMs) return undefined;
  return { cause, reason: `It waited longer than ${limitMs / minute} minutes: ${wait.message}` };
}
