import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';

type HistoryPage = Awaited<ReturnType<Client['workflowService']['getWorkflowExecutionHistory']>>;

interface Wanted {
  readonly workflowId: string;
  readonly activity: string;
  readonly sinceMs: number;
}

/** Resolves once the execution has scheduled that activity, since then; rejects with `over`. */
export async function untilScheduled(
  client: Client,
  { workflowId, activity, sinceMs }: Wanted,
  over: AbortSignal,
): Promise<void> {
  const {
    workflowService,
    options: { namespace },
  } = client;
  let nextPageToken: Uint8Array | undefined;
  for (;;) {
    over.throwIfAborted();
    const page: HistoryPage | undefined = await workflowService
      .getWorkflowExecutionHistory({ namespace, execution: { workflowId }, waitNewEvent: true, nextPageToken })
      .catch(() => undefined);
    if (
      page?.history?.events?.some(
        (event) =>
          event.activityTaskScheduledEventAttributes?.activityType?.name === activity &&
          Number(event.eventTime?.seconds) * 1000 + Number(event.eventTime?.nanos) / 1e6 >= sinceMs,
      )
    )
      return;
    // Temporal was killed, or the execution goes on as a new one.
    if (!page?.nextPageToken?.length) await delay(100);
    nextPageToken = page?.nextPageToken?.length ? page.nextPageToken : undefined;
  }
}
