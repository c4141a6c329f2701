/** The remaining requests of a client at a point in time. */
export interface Allowance {
  readonly left: number;
  readonly atMs: number;
}

export type Spent =
  { readonly ok: true; readonly allowance: Allowance } | { readonly ok: false; readonly retryAfterSeconds: number };

/**
 * Takes one request from an allowance. It refills evenly, and holds at most the requests of one minute. A new client
 * starts with a full allowance.
 */
export function spend(allowance: Allowance | undefined, requestsPerMinute: number, nowMs: number): Spent {
  const perMs = requestsPerMinute / 60_000;
  const left = allowance
    ? Math.min(requestsPerMinute, allowance.left + Math.max(0, nowMs - allowance.atMs) * perMs)
    : requestsPerMinute;
  return left >= 1
    ? { ok: true, allowance: { left: left - 1, atMs: nowMs } }
    : { ok: false, retryAfterSeconds: Math.ceil((1 - left) / perMs / 1000) };
}
