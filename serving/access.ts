import type { FastifyReply } from 'fastify';
import type { Release } from '../domain/endpoint/release.ts';
import { spend, type Allowance } from '../domain/serving/rate-limit.ts';
import { Refusal } from './refusal.ts';

/** Authenticates clients by their API keys. */
export interface ApiKeys {
  /** False if no key was ever created: then everyone who can reach the endpoint may send requests. */
  areNeeded(): boolean;
  /** The name of the key's owner. Undefined for a wrong key. */
  nameOf(key: string): string | undefined;
}

/** The client's name if no key is needed. */
export const anonymous = 'client';

/** The name of the key's owner. Throws a `Refusal` if a key is needed and is missing or wrong. */
export function admit(keys: ApiKeys, authorization: string | undefined): string {
  if (!keys.areNeeded()) return anonymous;
  const [scheme = '', key = ''] = (authorization ?? '').split(' ');
  const name = scheme.toLowerCase() === 'bearer' ? keys.nameOf(key) : undefined;
  if (name === undefined)
    throw new Refusal(
      401,
      'invalid_api_key',
      'This endpoint needs an API key: Authorization: Bearer KEY. "scripts/tuneline key create NAME" makes one.',
    );
  return name;
}

/** Counts requests per key and endpoint against the rate limits of the releases. */
export class Limits {
  readonly #allowances = new Map<string, Allowance>();

  /** Throws a `Refusal` with the time to retry. */
  spend(name: string, endpoint: string, serving: readonly Release[], reply: FastifyReply): void {
    const limits = serving.flatMap((release) =>
      release.endpoint === endpoint && release.serving?.requestsPerMinute ? [release.serving.requestsPerMinute] : [],
    );
    if (limits.length === 0) return;
    const limit = Math.max(...limits);
    const of = `${endpoint} ${name}`;
    const spent = spend(this.#allowances.get(of), limit, performance.now());
    if (spent.ok) this.#allowances.set(of, spent.allowance);
    else {
      reply.header('retry-after', spent.retryAfterSeconds);
      throw new Refusal(
        429,
        'rate_limit_exceeded',
        `${name} may ask ${endpoint} ${limit} times a minute; try again in ${spent.retryAfterSeconds} s.`,
      );
    }
  }
}
