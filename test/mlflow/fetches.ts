type Fetch = typeof globalThis.fetch;

function addressOf(input: Parameters<Fetch>[0]): string {
  return input instanceof Request ? input.url : String(input);
}

/** Sends everything, and once throws the answer to a path away: the request has taken effect, nobody knows. */
export function losingTheAnswerTo(path: string): Fetch {
  let lost = false;
  return async (input, init) => {
    const reply = await fetch(input, init);
    if (lost || !addressOf(input).endsWith(path)) return reply;
    lost = true;
    throw new TypeError('fetch failed', { cause: { code: 'ECONNRESET' } });
  };
}

/** Holds back requests for a path until as many wait: each of their senders has decided without the others. */
export function meetingBefore(path: string, parties: number): Fetch {
  const { promise: met, resolve } = Promise.withResolvers<true>();
  let arrived = 0;
  return async (input, init) => {
    if (addressOf(input).endsWith(path)) {
      arrived += 1;
      if (arrived === parties) resolve(true);
      await met;
    }
    return fetch(input, init);
  };
}

/** Like `meetingBefore`, and nobody sees an answer before all are there: what each of them wrote is there for all. */
export function meetingAround(path: string, parties: number): Fetch {
  const send = meetingBefore(path, parties);
  const { promise: answered, resolve } = Promise.withResolvers<true>();
  let answers = 0;
  return async (input, init) => {
    const reply = await send(input, init);
    if (addressOf(input).endsWith(path)) {
      answers += 1;
      if (answers === parties) resolve(true);
      await answered;
    }
    return reply;
  };
}

/** Has MLflow answer every listing in small pages. */
export function inPagesOf(size: number): Fetch {
  return (input, init) => {
    const url = new URL(addressOf(input));
    if (init?.method === 'GET') url.searchParams.set('max_results', String(size));
    return fetch(url, init);
  };
}
