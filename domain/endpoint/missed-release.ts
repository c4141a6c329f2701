import type { ServingState } from './serving-state.ts';
import { recordPrefix, type RegisteredModel } from '../lineage/tracking.ts';

/** An endpoint whose record and `champion` name different versions: somebody moved the alias, and nobody told us. */
export interface MissedRelease {
  readonly model: string;
  readonly endpoint: string;
  /** Undefined where the alias was taken away. */
  readonly alias?: string;
  readonly recorded: string;
}

/** A model without a record is nobody's endpoint, whatever its aliases say. */
export const missedReleases = (models: readonly RegisteredModel[]): MissedRelease[] =>
  models.flatMap(({ name: model, tags, aliases }) =>
    Object.entries(tags).flatMap(([key, value]): MissedRelease[] => {
      const recorded = key.startsWith(recordPrefix) ? championOf(value) : undefined;
      const alias = aliases['champion'];
      if (recorded?.model !== model || recorded.version === alias) return [];
      return [{ model, endpoint: key.slice(recordPrefix.length), alias, recorded: recorded.version }];
    }),
  );

/** A tag may be changed by hand: what is no record says nothing. */
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
