import type { CoreV1Event } from '@kubernetes/client-node';

/** A line for each event, the oldest first. Pure. */
export function describeEvents(events: readonly CoreV1Event[]): string {
  return [...events]
    .sort((a, b) => timeOf(a) - timeOf(b))
    .map((event) => {
      const { type = '', reason = '', message = '', involvedObject, count = event.series?.count ?? 1 } = event;
      return `${new Date(timeOf(event)).toISOString()} ${type} ${reason} ${involvedObject.kind ?? ''}/${involvedObject.name ?? ''}: ${message.trim()}${count > 1 ? ` (${count} times)` : ''}\n`;
    })
    .join('');
}

/** The old and the new events API write the time to different fields. */
const timeOf = ({ lastTimestamp, series, eventTime, metadata }: CoreV1Event): number =>
  new Date(lastTimestamp ?? series?.lastObservedTime ?? eventTime ?? metadata.creationTimestamp ?? 0).getTime();
