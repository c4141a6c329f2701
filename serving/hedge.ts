import { setTimeout as delay } from 'node:timers/promises';
import { Refusal } from './refusal.ts';

interface Answer {
  /** To be called once the answer is not needed any more. */
  readonly done: () => void;
}

interface Beside<A extends Answer> {
  /** Of the whole request. */
  readonly signal: AbortSignal;
  readonly patienceMs: number;
  readonly first: (signal: AbortSignal) => Promise<A>;
  /** Undefined where there is nobody else to ask. */
  readonly second: (signal: AbortSignal) => Promise<A> | undefined;
}

/** As a request whose whole time it lets go by, this counts against a release. */
const overtaken = new Refusal(504, 'timeout', 'Another release was asked later, and answered first.');
/** And this does not. */
const notNeeded = new Refusal(503, 'not_needed', 'It was asked because another seemed to hang, and that one answered.');

/**
 * The first's answer, unless it lets the patience go by and the second's, which is asked then, is there before it. The other is
 * told to stop. Rejects as the first does, if neither answers.
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
  const settled = asking.then(() => true, () => true);
  const patience = delay(withinMs, false, { signal: stop.signal }).catch(() => true);
  return Promise.race([settled, patience]).finally(() => stop.abort());
}
