import { setTimeout as delay } from 'node:timers/promises';

/** A selector names them all in its URL. */
const atMost = 50;
/** A read that gets no answer holds up the next no longer. */
const patienceMs = 100;

/** Makes one read of many: whoever asks while one is under way shares the next. What an asker gets was read after it asked. */
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
