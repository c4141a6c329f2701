import { createHash } from 'node:crypto';
import type { Share } from './release.ts';

/**
 * Describes in one sentence why an endpoint's shares are invalid; undefined if they are valid. An empty list is valid:
 * the endpoint then serves nothing.
 */
export function findShareProblem(endpoint: string, shares: readonly Share[]): string | undefined {
  if (shares.length === 0) return undefined;
  const stranger = shares.find(({ release }) => release.endpoint !== endpoint);
  if (stranger) return `The traffic of ${endpoint} can't go to a release of ${stranger.release.endpoint}.`;
  const percents = shares.map(({ percent }) => percent);
  if (percents.some((percent) => !Number.isInteger(percent) || percent < 1))
    return `Each share must be a whole percent above 0, got ${percents.join(', ')}.`;
  const sum = percents.reduce((a, b) => a + b, 0);
  return sum === 100 ? undefined : `The shares must be 100 percent in all, got ${percents.join(' + ')} = ${sum}.`;
}

/** Returns the share at the point (0 ≤ point < 1), weighted by percentage; undefined if there are no shares. */
export function shareAt<T extends { readonly percent: number }>(shares: readonly T[], point: number): T | undefined {
  let left = point * shares.reduce((sum, { percent }) => sum + percent, 0);
  return shares.find(({ percent }) => (left -= percent) < 0);
}

/** A point between 0 and 1 that depends only on the name. The points of many names are spread evenly. */
export const pointOf = (name: string): number => createHash('sha256').update(name).digest().readUInt32BE() / 2 ** 32;
