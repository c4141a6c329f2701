import { digestOf } from '../digest.ts';

export const eventSources = ['mlflow', 'cloudevents', 'signed'] as const;

/** What each type of event says of itself; a rule can ask for nothing else. */
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

/** Something that happened elsewhere, as a verified request told it. */
export interface Event {
  readonly source: (typeof eventSources)[number];
  /** Whoever of the source numbers its events; empty where the source does so itself. */
  readonly origin: string;
  readonly id: string;
  /** One that no rule knows is no mistake: others may listen for it. */
  readonly type: string;
  readonly occurredAtMs: number;
  readonly fields: Readonly<Partial<Record<EventField, string>>>;
}

/** The workflow ID of what an event starts: the same however often, and by whatever request, it is told. */
export const eventWorkflowId = ({ source, origin, id }: Event): string =>
  `event-${digestOf([source, origin, id]).slice(7, 47)}`;

/** Within so long the clocks of sender and console have to agree, and a request has to arrive after it was signed. */
export const signatureWindowMs = 5 * 60_000;

/** Who could not reach the console may tell it again, signed anew, for so long. */
export const maximumEventAgeMs = 12 * 3_600_000;

/**
 * How long Temporal has to remember the workflow IDs of events for "once" to mean for ever: an event that is older is
 * refused for its age, and one that says it is younger than it is can be so by the window at most.
 */
export const memoryNeededMs = maximumEventAgeMs + 2 * signatureWindowMs;

/** Why an event is not looked at, or undefined. */
export function refuseAge({ occurredAtMs }: Pick<Event, 'occurredAtMs'>, nowMs: number): string | undefined {
  if (!Number.isFinite(occurredAtMs)) return 'The event does not say when it happened.';
  if (nowMs - occurredAtMs > maximumEventAgeMs)
    return `The event is older than ${maximumEventAgeMs / 3_600_000} hours.`;
  if (occurredAtMs - nowMs > signatureWindowMs) return 'The event is dated in the future.';
  return undefined;
}

/** An image's repository, without the tag or digest that differs each time it is pushed. */
export const repositoryOf = (image: string): string => image.replace(/@.*$/, '').replace(/:[^:/]*$/, '');
