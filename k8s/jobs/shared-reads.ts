import { setTimeout as delay } from 'node:timers/promises';

/** The URL holds a selector with all names, and its length is limited. */
const atMost = 50;
/** A read without an answer delays the next one by at most this time. */
const patienceMs = 100;

/**
 * Combines many reads into one. A call during a read shares the next read, so that its result is read after the call.
 */
export function shareReads<T>(read: (names: readonly string[]) => Promise<T>): (name: string) => Promise<T> {
  let next: { readonly names: Set<string>; readonly answer: Promise<T> } | undefined;
  let latest: Promise<unknown> = Promise.resolve();

  function open() {
    const names = new Set<string>();
    const answer = Promise.race([latest, delay(patienceMs, undefined, { ref: false })]).then(() => {
      if (next?.names === names) next = undefined;
      return read([...names]);
    });
    latest = answer.catch(() => undefined);
    return { names, answer };
  }

  return (name) => {
    if (!next || next.names.size >= atMost) next = open();
    next.names.add(name);
    return next.answer;
  };
}
