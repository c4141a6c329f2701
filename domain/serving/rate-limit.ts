/** What is left of a client's allowance. */
export interface Allowance {
  readonly left: number;
  readonly atMs: number;
}

export type Spent =
  { readonly ok: true; readonly allowance: Allowance } | { readonly ok: false; readonly retryAfterSeconds: number };

/** Takes one request of an allowance that fills up evenly and holds a minute's worth at most. A new client's is full. */
export function spend(allowance: Allowance | undefined, requestsPerMinute: number, nowMs: number): Spent {
  const perMs = requestsPerMinute / 60_000;
  const left = allowance
    ? Math.min(requestsPerMinute, allowance.left + Math.max(0, nowMs - allowance.atMs) * perMs)
    : requestsPerMinute;
  return left >= 1
    ? { ok: true, allowance: { left: left - 1, atMs: nowMs } }
    : { ok: false, retryAfterSeconds: Math.ceil((1 - left) / perMs / 1000) };
}
