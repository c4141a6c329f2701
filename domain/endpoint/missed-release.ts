import type { ServingState } from './serving-state.ts';
import { recordPrefix, type RegisteredModel } from '../lineage/tracking.ts';

/**
 * An endpoint whose record and `champion` alias name different versions: the alias was moved, and no event reported it.
 */
export interface MissedRelease {
  readonly model: string;
  readonly endpoint: string;
  /** Undefined if the alias was removed. */
  readonly alias?: string;
  readonly recorded: string;
}

/** Ignores models without a record, because no endpoint serves them. */
export const missedReleases = (models: readonly RegisteredModel[]): MissedRelease[] =>
  models.flatMap(({ name: model, tags, aliases }) =>
    Object.entries(tags).flatMap(([key, value]): MissedRelease[] => {
      const recorded = key.startsWith(recordPrefix) ? championOf(value) : undefined;
      const alias = aliases['champion'];
      if (recorded?.model !== model || recorded.version === alias) return [];
      return [{ model, endpoint: key.slice(recordPrefix.length), alias, recorded: recorded.version }];
    }),
  );

/** Returns undefined for a tag that holds no valid record, because people can edit tags by hand. */
function championOf(value: string): ServingState['champion'] {
  try {
    return (JSON.parse(value) as ServingState | null)?.champion;
  } catch {
    return undefined;
  }
}

export const describeMissed = ({ model, endpoint, alias, recorded }: MissedRelease): string =>
  alias === undefined
    ? `champion of ${model} is gone, and ${endpoint} serves version ${recorded}`
    : `champion of ${model} names version ${alias}, and ${endpoint} serves version ${recorded}`;
