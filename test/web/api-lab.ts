import { afterEach, beforeEach } from '@jest/globals';
import { reviewedDigest, reviewedId } from '../builders/fixture-lifecycles.ts';
import { openConsole, type ConsoleLab } from './console-lab.ts';

/** The address of the lifecycle under review. */
export const own = `/api/lifecycles/${reviewedId}`;
export const approval = { decision: 'approve', digest: reviewedDigest, comment: 'Reads well.' };

export type Who = keyof ConsoleLab['tokens'] | 'nobody';

/** A new console for each test of a file, and a client of its API. */
export function openApiLab() {
  let lab: ConsoleLab;
  beforeEach(async () => {
    lab = await openConsole();
  });
  afterEach(() => lab.close());

  const bearer = (who: Who): Record<string, string> =>
    who !== 'nobody' ? { authorization: `Bearer ${lab.tokens[who]}` } : {};
  return {
    /** Available in hooks and tests. */
    get lab() {
      return lab;
    },
    bearer,
    get: (url: string, who: Who = 'grace') => lab.server.inject({ method: 'GET', url, headers: bearer(who) }),
    post: (url: string, body: unknown, who: Who = 'grace', headers: Record<string, string> = {}) =>
      lab.server.inject({
        method: 'POST',
        url,
        headers: { 'content-type': 'application/json', ...bearer(who), ...headers },
        payload: typeof body === 'string' ? body : JSON.stringify(body),
      }),
  };
}
