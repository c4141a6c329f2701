import { heartbeat } from '@temporalio/activity';

/**
 * A fifth of the heartbeat timeout in `workflows/activity-options.ts`, so that a busy worker is not taken for a dead
 * one.
 */
const everyMs = 3000;

/** Sends heartbeats until the work ends, so that Temporal notices a dead worker. */
export async function whileBeating<T>(work: () => Promise<T>): Promise<T> {
  const beating = setInterval(() => heartbeat(), everyMs);
  try {
    return await work();
  } finally {
    clearInterval(beating);
  }
}
