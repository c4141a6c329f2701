import type { Release } from './release.ts';

/**
 * The state of an endpoint between two roll-outs: the release that has all traffic (`champion`), and the one before it.
 */
export interface ServingState {
  readonly champion?: Release;
  readonly previous?: Release;
}

/**
 * The state after a promotion. A version that is promoted again, with another prompt, does not become its own
 * predecessor.
 */
export function promote(release: Release, before: ServingState): ServingState {
  const former = before.champion && !isSameVersion(before.champion, release) ? before.champion : before.previous;
  return { champion: release, previous: former };
}

const isSameVersion = (a: Release, b: Release): boolean => a.model === b.model && a.version === b.version;

/** True if the two releases are equal in every field, so that serving one means serving the other. */
export const isSameRelease = (a: Release, b: Release): boolean =>
  JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));

/** Sorts the fields, because a history or a tag may hold them in another order. */
const sorted = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(
        Object.entries(value)
          .toSorted(([a], [b]) => (a < b ? -1 : 1))
          .map(([key, inner]) => [key, sorted(inner)]),
      )
    : value;
