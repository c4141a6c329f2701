import { heartbeat } from '@temporalio/activity';

/** A fifth of the timeout in `workflows/activity-options.ts`: a worker that died is noticed, a busy one is not taken for dead. */
const everyMs = 3000;

/** Shows that the worker lives for as long as the work takes. */
export async function whileBeating<T>(work: () => Promise<T>): Promise<T> {
  const beating = setInterval(() => heartbeat(), everyMs);
  try {
    return await work();
  } finally {
    clearInterval(beating);
  }
}
