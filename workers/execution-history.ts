import type { WorkflowHandle } from '@temporalio/client';
import type { PayloadConverter } from '@temporalio/common';

export type History = Awaited<ReturnType<WorkflowHandle['fetchHistory']>>;
export type HistoryEvent = NonNullable<History['events']>[number];
type Payload = Parameters<PayloadConverter['fromPayload']>[0];

/** An activity that completed, with its arguments and its result. */
export interface Call {
  readonly name: string;
  readonly args: readonly unknown[];
  readonly result: unknown;
  /** From its scheduling to its end, waits included. */
  readonly seconds: number;
  readonly at: string;
}

export function completedCalls(events: readonly HistoryEvent[], converter: PayloadConverter): Call[] {
  const byId = new Map(events.map((event) => [String(event.eventId), event]));
  return events.flatMap((event) => {
    const completed = event.activityTaskCompletedEventAttributes;
    const asked = byId.get(String(completed?.scheduledEventId));
    const scheduled = asked?.activityTaskScheduledEventAttributes;
    if (!completed || !scheduled) return [];
    return [
      {
        name: scheduled.activityType?.name ?? '',
        args: decode(scheduled.input?.payloads, converter),
        result: decode(completed.result?.payloads, converter)[0],
        seconds: (msOf(event) - msOf(asked)) / 1000,
        at: timeOf(event),
      },
    ];
  });
}

/** The updates that the lifecycle accepted: what people sent it. */
export function acceptedUpdates(events: readonly HistoryEvent[], converter: PayloadConverter) {
  return events.flatMap((event) => {
    const input = event.workflowExecutionUpdateAcceptedEventAttributes?.acceptedRequest?.input;
    if (!input) return [];
    return [{ name: input.name ?? '', argument: decode(input.args?.payloads, converter)[0], at: timeOf(event) }];
  });
}

export const decode = (payloads: readonly Payload[] | null | undefined, converter: PayloadConverter): unknown[] =>
  (payloads ?? []).map((payload) => converter.fromPayload(payload));

const msOf = ({ eventTime }: HistoryEvent): number =>
  Number(eventTime?.seconds ?? 0) * 1000 + (eventTime?.nanos ?? 0) / 1e6;

export const timeOf = (event: HistoryEvent): string => new Date(msOf(event)).toISOString();
