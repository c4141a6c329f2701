import type { WorkflowHandle } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import type { AuditEvent } from '../domain/audit.ts';
import type { JobReport } from '../domain/job-request.ts';

type History = Awaited<ReturnType<WorkflowHandle['fetchHistory']>>;
type HistoryEvent = NonNullable<History['events']>[number];
type Payload = Parameters<typeof defaultPayloadConverter.fromPayload>[0];

/** What an activity was given and what came of it, by the activity's name. */
export interface DoneActivity {
  readonly name: string;
  readonly result: unknown;
}

/** What people said and what was done, as the history has it. */
export function readHistory({ events }: History): { readonly events: readonly AuditEvent[]; readonly done: readonly DoneActivity[] } {
  const all = events ?? [];
  const scheduled = new Map(all.map((event) => [String(event.eventId), event.activityTaskScheduledEventAttributes]));
  const done = all.flatMap((event): (DoneActivity & { readonly at: string; readonly given: unknown })[] => {
    const completed = event.activityTaskCompletedEventAttributes;
    const asked = completed && scheduled.get(String(completed.scheduledEventId));
    return asked ? [{ at: timeOf(event), name: asked.activityType?.name ?? '', given: decode(asked.input?.payloads?.[0]), result: decode(completed.result?.payloads?.[0]) }] : [];
  });
  const spoken = all.flatMap(toEvent);
  return { done, events: [...spoken, ...done.map(describeDone)].sort((a, b) => a.at.localeCompare(b.at)) };
}

function toEvent(event: HistoryEvent): AuditEvent[] {
  const at = timeOf(event);
  const started = event.workflowExecutionStartedEventAttributes;
  if (started) return [{ at, what: 'started', ...whoOf(decode(started.input?.payloads?.[0]), 'requester') }];
  const update = event.workflowExecutionUpdateAcceptedEventAttributes?.acceptedRequest?.input;
  if (update) {
    const given = decode(update.args?.payloads?.[0]);
    const digest = fieldOf(given, 'digest');
    return [{ at, what: update.name ?? 'update', ...whoOf(given, 'reviewer', 'author', 'from'), ...(typeof digest === 'string' ? { digests: { review: digest } } : {}), detail: given }];
  }
  const completed = event.workflowExecutionCompletedEventAttributes;
  if (completed) return [{ at, what: 'ended', detail: decode(completed.result?.payloads?.[0]) }];
  if (event.workflowExecutionFailedEventAttributes) return [{ at, what: 'failed', detail: event.workflowExecutionFailedEventAttributes.failure?.cause?.message ?? event.workflowExecutionFailedEventAttributes.failure?.message }];
  if (event.workflowExecutionCancelRequestedEventAttributes) return [{ at, what: 'cancel requested' }];
  if (event.workflowExecutionTerminatedEventAttributes) return [{ at, what: 'terminated' }];
  return [];
}

function describeDone({ at, name, given, result }: DoneActivity & { readonly at: string; readonly given: unknown }): AuditEvent {
  if (name !== 'runJob') return { at, what: name };
  const stage = fieldOf(fieldOf(given, 'spec'), 'stage');
  const { outcome, reused } = result as JobReport;
  if (outcome.kind === 'failed') return { at, what: `failed ${String(stage)}`, detail: outcome.failure };
  return { at, what: `stage ${String(stage)}${reused ? ', reused' : ''}`, digests: Object.fromEntries(Object.entries(outcome.outputs).map(([output, { digest }]) => [output, digest])) };
}

function whoOf(given: unknown, ...fields: readonly string[]): { who?: string } {
  const who = fields.map((field) => fieldOf(given, field)).find((name) => typeof name === 'string');
  return typeof who === 'string' ? { who } : {};
}

const fieldOf = (value: unknown, field: string): unknown => (typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[field] : undefined);
const decode = (payload: Payload | undefined | null): unknown => (payload ? defaultPayloadConverter.fromPayload(payload) : undefined);
const timeOf = ({ eventTime }: HistoryEvent): string => new Date(Number(eventTime?.seconds ?? 0) * 1000 + (eventTime?.nanos ?? 0) / 1_000_000).toISOString();
