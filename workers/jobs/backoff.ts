import { setTimeout as delay } from 'node:timers/promises';

export interface Backoff {
  readonly signal: AbortSignal;
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
  readonly onError: (error: unknown) => void;
}

/**
 * Repeats until an attempt resolves with `true` or the signal aborts. Each pause is twice as long as the one before.
 */
export async function repeatUntilDone(backoff: Backoff, attempt: () => Promise<boolean>): Promise<void> {
  const { signal, firstPauseMs, longestPauseMs, onError } = backoff;
  for (let pauseMs = firstPauseMs; !signal.aborted; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    try {
      if (await attempt()) return;
    } catch (error) {
      onError(error);
    }
    await pause(pauseMs, signal);
  }
}

/** Resolves after this time, or as soon as the signal aborts. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
}
