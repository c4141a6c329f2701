/** One for each request: what becomes of it. `…After` means that it was applied, and the caller does not learn so. */
const requestFaults = [
  'tooManyRequests',
  'serverError',
  'unavailable',
  'resetBefore',
  'resetAfter',
  'errorAfter',
] as const;
/** One for each watch, when it opens. */
const connectFaults = ['goneAtConnect', 'silentFromStart'] as const;
/**
 * One for each event of a watch. `reorderSame` swaps two events of one object, `reorderAcross` events of two. A `cut` is
 * a reset, an `end` is in order; `truncate` and `goneInStream` leave the stream open, their namesakes end it.
 */
const eventFaults = [
  'duplicate',
  'reorderAcross',
  'reorderSame',
  'truncate',
  'truncateAndEnd',
  'cut',
  'end',
  'halfOpen',
  'goneInStream',
  'goneAndEnd',
] as const;

export type RequestFault = (typeof requestFaults)[number];
export type ConnectFault = (typeof connectFaults)[number];
export type EventFault = (typeof eventFaults)[number];

/** How likely each fault is, 0 to 1, where it could happen; what is left out never does. The rates of one list add up to 1 at most. */
export type FaultRates = Readonly<
  Partial<Record<RequestFault | ConnectFault | EventFault | 'slow' | 'staleList', number>>
>;

export interface RequestFate {
  readonly fault?: RequestFault;
  /** Milliseconds before the request is applied, and before its reply is sent. */
  readonly delayBefore: number;
  readonly delayAfter: number;
  /** How many revisions old a list is that the cache may serve. */
  readonly staleness: number;
}

export type Random = () => number;

/** mulberry32: 32 bits of state, the same numbers for the same seed everywhere. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/**
 * Decides the faults of one seed. Requests draw from one sequence in the order they arrive, each watch from its own, so
 * that when events fall between requests changes nothing. Every decision is kept in `decisions`.
 */
export class Faults {
  readonly decisions: string[] = [];
  #rates: FaultRates;
  readonly #seed: number;
  readonly #requests: Random;
  #watches = 0;

  constructor(seed: number, rates: FaultRates) {
    this.#seed = seed;
    this.#rates = rates;
    this.#requests = seeded(seed);
  }

  setRates(rates: FaultRates): void {
    this.#rates = rates;
  }

  /** Draws the same count of numbers whatever it decides: one rate changed leaves the other faults where they were. */
  request(what: string): RequestFate {
    const fault = this.#draw(this.#requests, requestFaults);
    const slow = this.#requests() < (this.#rates.slow ?? 0);
    const [before, after] = [this.#requests(), this.#requests()];
    const stale = this.#requests() < (this.#rates.staleList ?? 0);
    const staleness = 1 + Math.floor(this.#requests() * 4);
    this.#note(what, fault, slow && 'slow', stale && 'stale');
    return {
      fault,
      delayBefore: slow ? Math.floor(before * 4) : 0,
      delayAfter: slow ? Math.floor(after * 4) : 0,
      staleness: stale ? staleness : 0,
    };
  }

  watch(): { connect: ConnectFault | undefined; event: () => EventFault | undefined } {
    this.#watches += 1;
    const label = `watch ${this.#watches}`;
    const random = seeded(Math.imul(this.#seed + 1, 0x9e3779b1) + this.#watches);
    const connect = this.#draw(random, connectFaults);
    this.#note(label, connect);
    return {
      connect,
      event: () => {
        const fault = this.#draw(random, eventFaults);
        this.#note(`${label} event`, fault);
        return fault;
      },
    };
  }

  #draw<F extends keyof FaultRates>(random: Random, among: readonly F[]): F | undefined {
    let at = random();
    return among.find((fault) => (at -= this.#rates[fault] ?? 0) < 0);
  }

  #note(what: string, ...faults: (string | false | undefined)[]): void {
    this.decisions.push(`${what}: ${faults.filter(Boolean).join(', ') || 'none'}`);
  }
}
