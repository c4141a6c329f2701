import { statusOf } from '../client.ts';

/** The result of one check. */
export interface Finding {
  readonly what: string;
  readonly ok: boolean;
  readonly detail: string;
  /** The command or the change that fixes the problem. */
  readonly remedy?: string;
  /** The fault may disappear without action: a node may join, a volume may be created. */
  readonly mayPass?: boolean;
}

/** The API groups of the cluster, with the version that it prefers of each. */
export type ServedGroups = ReadonlyMap<string, string>;

/** An object that this account may not read is not a failure. */
export const hidden = (what: string, name: string): Finding => ({
  what,
  ok: true,
  detail: `${name} can't be seen with this account`,
});

/** Resolves to "missing" on 404 and to "hidden" on 403; rejects on any other error. */
export const see = <T extends object>(reading: Promise<T>): Promise<T | 'missing' | 'hidden'> =>
  reading.catch((error: unknown) => {
    if (statusOf(error) === 404) return 'missing';
    if (statusOf(error) === 403) return 'hidden';
    throw error;
  });
