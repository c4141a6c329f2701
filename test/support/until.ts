import { setTimeout as delay } from 'node:timers/promises';

/** Looks until there is something to see. The test's own timeout ends a wait that never will. */
export async function until<T>(look: () => Promise<T | undefined | false>): Promise<T> {
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    await delay(100);
  }
}
