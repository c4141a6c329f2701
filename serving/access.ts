import type { FastifyReply } from 'fastify';
import type { Release } from '../domain/endpoint/release.ts';
import { spend, type Allowance } from '../domain/serving/rate-limit.ts';
import { Refusal } from './refusal.ts';

/** Who may ask, by their API keys. */
export interface ApiKeys {
  /** False while nobody was given one: then everyone may ask who can reach the endpoint. */
  areNeeded(): boolean;
  /** Whose key it is; undefined of a wrong one. */
  nameOf(key: string): string | undefined;
}

/** Whom an answer is for where no key is needed. */
export const anonymous = 'client';

/** Whose key it is. Throws a `Refusal` where one is needed and missing or wrong. */
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

/** Counts the requests of each key and endpoint against the limits of what is served. */
export class Limits {
  readonly #allowances = new Map<string, Allowance>();

  /** Throws a `Refusal` that says when to come again. */
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
