import type { Share } from './release.ts';

/** The minimum and the maximum number of replicas of a release. */
export interface ReplicaBounds {
  readonly least: number;
  readonly most: number;
}

/**
 * Distributes `total` replicas over the shares, for hosts where each replica gets an equal part of the requests. The
 * result is as near to the percentages as whole replicas allow. Each share above 0 gets at least one replica, even if
 * that makes more than `total`.
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
 * Bounds for hosts that split traffic by replica counts. While there are several shares, nothing scales, because
 * scaling would change the split. All allowed replicas run, because that gives the finest split.
 */
export const boundsByReplicas = (shares: readonly Share[], bounds: ReplicaBounds): ReplicaBounds[] =>
  shares.length < 2
    ? shares.map(() => bounds)
    : replicasOf(
        shares.map(({ percent }) => percent),
        bounds.most,
      ).map((replicas) => ({ least: replicas, most: replicas }));

/** Bounds for hosts that split traffic by a weighted route: each share scales with its own load. */
export const boundsByRoute = (shares: readonly Share[], { least, most }: ReplicaBounds): ReplicaBounds[] =>
  shares.map(({ percent }) => ({ least: Math.max(1, Math.ceil((least * percent) / 100)), most }));

/**
 * The number of replicas that a share starts with. `serving` replicas carry all traffic now. The share gets its
 * percentage of them, within its bounds, so that the load per replica does not grow.
 */
export const replicasFor = (
  { percent }: Share,
  { least, most }: ReplicaBounds,
  serving: number,
  current: number,
): number => Math.min(most, Math.max(least, current, Math.ceil((serving * percent) / 100)));
