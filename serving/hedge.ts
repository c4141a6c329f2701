import { setTimeout as delay } from 'node:timers/promises';
import { Refusal } from './refusal.ts';

interface Answer {
  /** Must be called once the answer is no longer needed. */
  readonly done: () => void;
}

interface Beside<A extends Answer> {
  /** Aborts the whole request. */
  readonly signal: AbortSignal;
  readonly patienceMs: number;
  readonly first: (signal: AbortSignal) => Promise<A>;
  /** Undefined if there is no other release to ask. */
  readonly second: (signal: AbortSignal) => Promise<A> | undefined;
}

/** Counts against a release, like a request that it lets time out. */
const overtaken = new Refusal(504, 'timeout', 'Another release was asked later, and answered first.');
/** Does not count against a release. */
const notNeeded = new Refusal(503, 'not_needed', 'It was asked because another seemed to hang, and that one answered.');

/**
 * Asks a second release when the first has not answered within `patienceMs`. Resolves with the answer that comes first,
 * and aborts the other request. Rejects with the first's error if neither answers.
 */
export async function hedge<A extends Answer>({ signal, patienceMs, first, second }: Beside<A>): Promise<A> {
  const [stopFirst, stopSecond] = [new AbortController(), new AbortController()];
  const asked = first(AbortSignal.any([signal, stopFirst.signal]));
  if (await isSettled(asked, patienceMs)) return asked;
  const besides = second(AbortSignal.any([signal, stopSecond.signal]));
  if (!besides) return asked;
  let isAnswered = false;
  const claim = async (asking: Promise<A>, stopRival: () => void): Promise<A> => {
    const answer = await asking;
    if (isAnswered) {
      answer.done();
      throw notNeeded;
    }
    isAnswered = true;
    stopRival();
    return answer;
  };
  const claims = [claim(asked, () => stopSecond.abort(notNeeded)), claim(besides, () => stopFirst.abort(overtaken))];
  return Promise.any(claims).catch((error: unknown) => {
    throw (error as AggregateError).errors[0];
  });
}

async function isSettled(asking: Promise<unknown>, withinMs: number): Promise<boolean> {
  const stop = new AbortController();
  const settled = asking.then(
    () => true,
    () => true,
  );
  const patience = delay(withinMs, false, { signal: stop.signal }).catch(() => true);
  return Promise.race([settled, patience]).finally(() => stop.abort());
}
