import type { Suite } from './suites.ts';

/** How many runs of CI ago each suite last ran, by name; absent before the first run on this machine. */
export type RunsSince = Readonly<Record<string, number>>;

/** Each deep suite runs at least once in so many runs of CI on one machine. */
const everyRuns = 3;

/**
 * The order in which CI runs deep suites while its time lasts: first those that would otherwise miss their turn,
 * then those whose sources changed, then the others. Within each, the one that has waited longest comes first.
 */
export function orderForCi(suites: readonly Suite[], changed: readonly string[], since: RunsSince): readonly Suite[] {
  const waited = ({ name }: Suite): number => since[name] ?? 0;
  const isTouched = ({ sources }: Suite): boolean =>
    changed.some((file) => sources.some((source) => file.startsWith(source)));
  const rank = (suite: Suite): number => {
    if (waited(suite) >= everyRuns - 1) return 0;
    return isTouched(suite) ? 1 : 2;
  };
  return suites.toSorted((a, b) => rank(a) - rank(b) || waited(b) - waited(a));
}

/** What `since` is after a run of CI in which these suites ran. */
export const afterRun = (suites: readonly Suite[], ran: ReadonlySet<string>, since: RunsSince): RunsSince =>
  Object.fromEntries(suites.map(({ name }) => [name, ran.has(name) ? 0 : (since[name] ?? 0) + 1]));
