import type { Breach, WatchedRule } from './breach.ts';
import type { Release } from '../endpoint/release.ts';
import { escapeForChat } from '../review/review-notice.ts';

export type MonitorNotice =
  | { readonly what: 'begun' | 'ended'; readonly breach: Breach }
  | { readonly what: 'unwatched'; readonly because: string };

const leadsTo: Readonly<Record<Breach['then'], string>> = {
  retrain: 'a lifecycle is to start',
  rollback: 'what was served before is to be served again',
  alarm: 'nothing is done about it',
};
const nameOf: Readonly<Partial<Record<WatchedRule, string>>> = { modelAge: 'the age of the model' };

/** The text of a notification about a monitored release to the team's chat. */
export function describeMonitorNotice(
  notice: MonitorNotice,
  { endpoint, model, version }: Pick<Release, 'endpoint' | 'model' | 'version'>,
): string {
  const of = `${endpoint} (${model} version ${version})`;
  if (notice.what === 'unwatched') return escapeForChat(`${of} can't be watched at the moment: ${notice.because}`);
  const { rule, then, because, sinceMs } = notice.breach;
  const named = nameOf[rule] ?? rule;
  return escapeForChat(
    notice.what === 'begun'
      ? `${of}: ${named} is breached; ${leadsTo[then]}. ${because}`
      : `${of}: ${named} is within its limit again, breached since ${new Date(sinceMs).toISOString()}.`,
  );
}
