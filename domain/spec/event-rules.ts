import { z } from 'zod';
import { eventFields, eventSources, eventTypes, type Event, type EventField, type EventType } from '../events/event.ts';
import { explainIssues, type JsonSchema, type Problem } from './explain-spec.ts';

/**
 * The rules that say which event starts a workflow, written by a person as JSON. This schema is their only definition.
 */

const text = z.string().min(1).optional();

const when = z
  .strictObject({
    source: z.enum(eventSources).optional().meta({ description: 'Whichever route it came by, unless this says one.' }),
    type: z.enum(eventTypes),
    model: text,
    alias: text,
    version: text,
    dataset: text.meta({ description: 'The path or name that the event gives.' }),
    prompt: text,
    image: text.meta({ description: 'The repository, without tag and digest.' }),
  })
  .meta({ description: 'Every field that stands here has to be that of the event.' })
  .superRefine(({ source, type, ...fields }, context) => {
    const told = eventFields[type] as readonly string[];
    for (const field of Object.keys(fields).filter((name) => !told.includes(name)))
      context.addIssue({ code: 'custom', path: [field], message: `none, for ${type} says only ${told.join(', ')}` });
    if (source !== undefined && (source === 'mlflow') !== isMlflowType(type))
      context.addIssue({
        code: 'custom',
        path: ['source'],
        message: isMlflowType(type)
          ? `mlflow, which alone sends ${type}`
          : `cloudevents or signed, for MLflow sends no ${type}`,
      });
  });

const isMlflowType = (type: EventType): boolean => type.startsWith('model_version_alias.');

const rule = z.discriminatedUnion('start', [
  z.strictObject({
    when,
    start: z.literal('redeploy'),
    model: z.string().min(1),
    endpoint: z.string().min(1).meta({ description: 'Gets what champion names when its turn comes.' }),
  }),
  z.strictObject({
    when,
    start: z.literal('lifecycle'),
    spec: z
      .string()
      .min(1)
      .meta({ description: 'The path of a lifecycle spec, from the folder of this file; read when the event comes.' }),
  }),
]);

const eventRulesSchema = z.strictObject({
  $schema: z.string().optional(),
  rules: z.array(rule).min(1).meta({ description: 'The first that fits an event counts.' }),
});

export type EventRule = z.infer<typeof rule>;
export type EventStart = EventRule extends infer One ? (One extends EventRule ? Omit<One, 'when'> : never) : never;
export type RulesCheck =
  | { readonly ok: true; readonly rules: readonly EventRule[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export const eventRulesJsonSchema = () => z.toJSONSchema(eventRulesSchema, { io: 'input' });

/** Checks a person's input. Names every wrong field and the expected value. */
export function checkEventRules(raw: unknown): RulesCheck {
  const parsed = eventRulesSchema.safeParse(raw, { reportInput: true });
  return parsed.success
    ? { ok: true, rules: parsed.data.rules }
    : { ok: false, problems: explainIssues(parsed.error, raw, eventRulesJsonSchema() as JsonSchema) };
}

/** Returns the start that the first matching rule asks for; undefined if no rule matches. */
export function decideStart({ source, type, fields }: Event, rules: readonly EventRule[]): EventStart | undefined {
  const fitting = rules.find(({ when: { source: wantedSource, type: wantedType, ...wanted } }) => {
    const asked = Object.entries(wanted) as [EventField, string | undefined][];
    return (
      wantedType === type &&
      (wantedSource ?? source) === source &&
      asked.every(([name, value]) => value === undefined || fields[name] === value)
    );
  });
  if (!fitting) return undefined;
  const { when: _condition, ...start } = fitting;
  return start;
}
