import { defaultPayloadConverter } from '@temporalio/common';
import type { AuditEvent } from '../../domain/lineage/audit.ts';
import type { JobReport, JobToRun } from '../../domain/job/job-request.ts';
import {
  acceptedUpdates,
  completedCalls,
  decode,
  timeOf,
  type Call,
  type History,
  type HistoryEvent,
} from '../../workers/execution-history.ts';

/** What people said and what was done, as the history has it. */
export function readHistory({ events }: History): {
  readonly events: readonly AuditEvent[];
  readonly done: readonly Call[];
} {
  const all = events ?? [];
  const done = completedCalls(all, defaultPayloadConverter);
  const said = acceptedUpdates(all, defaultPayloadConverter).map(describeUpdate);
  return {
    done,
    events: [...all.flatMap(toEvent), ...said, ...done.map(describeDone)].sort((a, b) => a.at.localeCompare(b.at)),
  };
}

function toEvent(event: HistoryEvent): AuditEvent[] {
  const at = timeOf(event);
  const started = event.workflowExecutionStartedEventAttributes;
  if (started)
    return [
      { at, what: 'started', ...whoOf(decode(started.input?.payloads, defaultPayloadConverter)[0], 'requester') },
    ];
  const completed = event.workflowExecutionCompletedEventAttributes;
  if (completed) return [{ at, what: 'ended', detail: decode(completed.result?.payloads, defaultPayloadConverter)[0] }];
  const failed = event.workflowExecutionFailedEventAttributes;
  if (failed) return [{ at, what: 'failed', detail: failed.failure?.cause?.message ?? failed.failure?.message }];
  if (event.workflowExecutionCancelRequestedEventAttributes) return [{ at, what: 'cancel requested' }];
  if (event.workflowExecutionTerminatedEventAttributes) return [{ at, what: 'terminated' }];
  return [];
}

function describeUpdate({ name, argument, at }: ReturnType<typeof acceptedUpdates>[number]): AuditEvent {
  const digest = fieldOf(argument, 'digest');
  return {
    at,
    what: name,
    ...whoOf(argument, 'reviewer', 'author', 'from'),
    ...(typeof digest === 'string' ? { digests: { review: digest } } : {}),
    detail: argument,
  };
}

function describeDone({ at, name, args, result }: Call): AuditEvent {
  if (name !== 'runJob') return { at, what: name };
  const { stage } = (args[0] as JobToRun).spec;
  const { outcome, reused } = result as JobReport;
  if (outcome.kind === 'failed') return { at, what: `failed ${stage}`, detail: outcome.failure };
  return {
    at,
    what: `stage ${stage}${reused ? ', reused' : ''}`,
    digests: Object.fromEntries(Object.entries(outcome.outputs).map(([output, { digest }]) => [output, digest])),
  };
}

function whoOf(given: unknown, ...fields: readonly string[]): { who?: string } {
  const who = fields.map((field) => fieldOf(given, field)).find((name) => typeof name === 'string');
  return typeof who === 'string' ? { who } : {};
}

const fieldOf = (value: unknown, field: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[field] : undefined;
