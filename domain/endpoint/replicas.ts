import type { Share } from './release.ts';

/** How many replicas a release has at least, and at most under load. */
export interface ReplicaBounds {
  readonly least: number;
  readonly most: number;
}

/**
 * How many of `total` replicas each share gets, where a request falls to any of them alike: as near to its part as whole
 * replicas come, and one at least for whatever is above 0, though there were to be fewer in all.
 */
export function replicasOf(percents: readonly number[], total: number): number[] {
  const replicas = percents.map((percent) => Number(percent > 0));
  const lacking = (index: number): number => ((percents[index] ?? 0) * total) / 100 - (replicas[index] ?? 0);
  for (let given = replicas.reduce((sum, one) => sum + one, 0); given < total && given > 0; given++) {
    const next = replicas
      .map((_, index) => index)
      .reduce((best, index) => (lacking(index) > lacking(best) ? index : best));
    replicas[next] = (replicas[next] ?? 0) + 1;
  }
  return replicas;
}

/**
 * Bounds for each share where its replicas are its share. While there are several nothing scales, or load would move the
 * split: all replicas that are allowed run, which is also the finest split that there is.
 */
export const boundsByReplicas = (shares: readonly Share[], bounds: ReplicaBounds): ReplicaBounds[] =>
  shares.length < 2
    ? shares.map(() => bounds)
    : replicasOf(
        shares.map(({ percent }) => percent),
        bounds.most,
      ).map((replicas) => ({ least: replicas, most: replicas }));

/** Bounds for each share where a route weighs it: each scales by its own load. */
export const boundsByRoute = (shares: readonly Share[], { least, most }: ReplicaBounds): ReplicaBounds[] =>
  shares.map(({ percent }) => ({ least: Math.max(1, Math.ceil((least * percent) / 100)), most }));

/** How many replicas a share starts out with, where `serving` of them carry all traffic as of now: nobody's load falls on fewer. */
export const replicasFor = (
  { percent }: Share,
  { least, most }: ReplicaBounds,
  serving: number,
  current: number,
): number => Math.min(most, Math.max(least, current, Math.ceil((serving * percent) / 100)));
