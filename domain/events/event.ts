import { digestOf } from '../digest.ts';

export const eventSources = ['mlflow', 'cloudevents', 'signed'] as const;

/** The fields of each type of event; a rule can test only these. */
export const eventFields = {
  'model_version_alias.created': ['model', 'alias', 'version'],
  'model_version_alias.deleted': ['model', 'alias'],
  'dev.tuneline.dataset.changed': ['dataset'],
  'dev.tuneline.prompt.changed': ['prompt'],
  'dev.tuneline.image.pushed': ['image'],
} as const;

export type EventType = keyof typeof eventFields;
export type EventField = (typeof eventFields)[EventType][number];
export const eventTypes = Object.keys(eventFields) as EventType[];

/** An event from another system, from a verified request. */
export interface Event {
  readonly source: (typeof eventSources)[number];
  /** The system in the source that assigns the IDs; empty if the source itself assigns them. */
  readonly origin: string;
  readonly id: string;
  /** May be a type that no rule knows: other receivers may need it. */
  readonly type: string;
  readonly occurredAtMs: number;
  readonly fields: Readonly<Partial<Record<EventField, string>>>;
}

/**
 * The workflow ID for an event. It is the same for every delivery of the event, so that the event starts one workflow
 * only.
 */
export const eventWorkflowId = ({ source, origin, id }: Event): string =>
  `event-${digestOf([source, origin, id]).slice(7, 47)}`;

/** The maximum difference between the clocks of sender and console, including the delivery time of a request. */
export const signatureWindowMs = 5 * 60_000;

/** A sender that could not reach the console may send the event again, with a new signature, for this long. */
export const maximumEventAgeMs = 12 * 3_600_000;

/**
 * Temporal must remember the workflow IDs of events for this long, so that each event starts only one workflow ever. An
 * older event is refused for its age. An event can claim to be younger than it is by at most the window.
 */
export const memoryNeededMs = maximumEventAgeMs + 2 * signatureWindowMs;

/** Returns the reason to refuse an event for its age; undefined if it is accepted. */
export function refuseAge({ occurredAtMs }: Pick<Event, 'occurredAtMs'>, nowMs: number): string | undefined {
  if (!Number.isFinite(occurredAtMs)) return 'The event does not say when it happened.';
  if (nowMs - occurredAtMs > maximumEventAgeMs)
    return `The event is older than ${maximumEventAgeMs / 3_600_000} hours.`;
  if (occurredAtMs - nowMs > signatureWindowMs) return 'The event is dated in the future.';
  return undefined;
}

/** The repository of an image, without the tag or the digest, which differs after each push. */
export const repositoryOf = (image: string): string => image.replace(/@.*$/, '').replace(/:[^:/]*$/, '');
