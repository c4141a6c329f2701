import type { Share } from '../../domain/endpoint/release.ts';
import type { ServingState } from '../../domain/endpoint/serving-state.ts';

export interface Seen {
  readonly shares: readonly Share[];
  /** The text of the release record, if there is one. */
  readonly record: string | undefined;
  readonly champion: string | undefined;
  readonly previous: string | undefined;
}

/** What of an endpoint's traffic, aliases and record disagrees, in sentences: between two roll-outs nothing may. */
export function disagreements({ shares, record, champion, previous }: Seen): string[] {
  const servingState = JSON.parse(record ?? '{}') as ServingState;
  const served = shares.map(({ release, percent }) => `${release.version} ${percent}`).join(', ');
  const said = servingState.champion ? `${servingState.champion.version} 100` : '';
  return [
    served === said ? '' : `traffic is ${served || 'nothing'}, the record says ${said || 'nothing'}`,
    champion === servingState.champion?.version
      ? ''
      : `champion is ${champion}, the record says ${servingState.champion?.version}`,
    previous === servingState.previous?.version
      ? ''
      : `previous is ${previous}, the record says ${servingState.previous?.version}`,
  ].filter((one) => one !== '');
}
