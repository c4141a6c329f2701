import { CronPattern } from 'croner';
import { z } from 'zod';
import { explainIssues, type JsonSchema, type Problem } from './explain-spec.ts';

/** The spec of a schedule, written by a person as JSON. This schema is its only definition. */

/** Temporal keeps the ten newest starts of a schedule, so at most ten failures in a row can be counted. */
const maximumFailures = 10;

const list = <Value extends z.ZodType>(value: Value) => z.array(value).min(1).optional();

const daysOfWeek = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'] as const;

const cronFields =
  'five fields (minute 0-59, hour 0-23, day of the month 1-31, month 1-12 or jan, day of the week 0-7 or mon), ' +
  'each of them *, a value, a range a-b, a step */n, or a list of these, such as "0 3 * * 1"';

const cron = z
  .string()
  .refine(isCron, cronFields)
  // If both days are given, cron starts on either of them, but Temporal only if both match.
  .refine((text) => !isCron(text) || namesOneDay(text), 'a day of the month or a day of the week, and * for the other');

const calendar = z
  .strictObject({
    minute: z.array(z.int().min(0).max(59)).min(1).default([0]),
    hour: z.array(z.int().min(0).max(23)).min(1).default([0]),
    dayOfMonth: list(z.int().min(1).max(31)),
    month: list(z.int().min(1).max(12)),
    dayOfWeek: list(z.enum(daysOfWeek)),
  })
  .meta({ description: 'Midnight of each day, unless it says otherwise.' });

const interval = z
  .strictObject({
    everyMinutes: z.int().min(1).max(525_600),
    offsetMinutes: z
      .int()
      .min(0)
      .default(0)
      .meta({ description: 'Counted from midnight UTC on 1 January 1970, as the interval is.' }),
  })
  .refine(({ everyMinutes, offsetMinutes }) => offsetMinutes < everyMinutes, {
    path: ['offsetMinutes'],
    message: 'fewer than interval.everyMinutes',
  });

const timetables = ['cron', 'calendar', 'interval'] as const;

const scheduleSpecSchema = z
  .strictObject({
    $schema: z.string().optional(),
    id: z
      .string()
      .regex(
        /^(?!tuneline-)[a-z][a-z0-9-]{0,60}$/,
        "lower-case letters, digits and dashes, starting with a letter and not with tuneline-, which are Tuneline's own, at most 61 long",
      )
      .meta({ description: "The schedule's name; the lifecycles that it starts are called after it." }),
    spec: z.union([z.string().min(1), z.looseObject({})]).meta({
      description:
        'What is started: the path of a lifecycle spec, from the folder of this file, or such a spec itself.',
    }),
    cron: cron.optional().meta({ description: 'Minute, hour, day of the month, month, day of the week.' }),
    calendar: calendar.optional(),
    interval: interval.optional(),
    timeZone: z
      .string()
      .refine(isTimeZone, 'a time zone such as Europe/Berlin')
      .default('UTC')
      .meta({ description: 'By IANA, such as Europe/Berlin; for cron and calendar.' }),
    jitterSeconds: z
      .int()
      .min(0)
      .max(86_400)
      .default(0)
      .meta({ description: 'Each start is put off by up to so long, by chance.' }),
    overlap: z
      .enum(['skip', 'bufferOne', 'bufferAll', 'cancelOther', 'allowAll'])
      .default('skip')
      .meta({ description: 'What becomes of a start while the lifecycle before still runs.' }),
    catchUpMinutes: z
      .int()
      .min(1)
      .max(525_600)
      .default(1440)
      .meta({ description: 'What Temporal missed while it was down for no longer than this is made up for.' }),
    pauseAfterFailures: z.int().min(1).max(maximumFailures).optional().meta({
      description:
        'So many failed lifecycles in a row pause the schedule; a gate or a reviewer that refuses is no failure.',
    }),
    skip: z.enum(['whenUnchanged', 'never']).default('whenUnchanged').meta({
      description:
        'Whether the lifecycle ends at once where data, code, base model, prompt and settings are those of the champion.',
    }),
    note: z.string().min(1).max(500).optional().meta({ description: 'For people.' }),
  })
  .superRefine((schedule, context) => {
    if (timetables.filter((name) => schedule[name] !== undefined).length !== 1)
      context.addIssue({
        code: 'custom',
        path: ['cron'],
        message: 'one of cron, calendar and interval, and no other of them',
      });
  });

export type ScheduleSpec = z.output<typeof scheduleSpecSchema>;
export type ScheduleSpecInput = z.input<typeof scheduleSpecSchema>;

/** The JSON Schema of a schedule's file, for editors. */
export const scheduleSpecJsonSchema = () => z.toJSONSchema(scheduleSpecSchema, { io: 'input' });

/** Checks a person's input and names every wrong field. `spec` is not checked here, but by the lifecycle. */
export function checkScheduleSpec(
  raw: unknown,
):
  | { readonly ok: true; readonly schedule: ScheduleSpec }
  | { readonly ok: false; readonly problems: readonly Problem[] } {
  const parsed = scheduleSpecSchema.safeParse(raw, { reportInput: true });
  return parsed.success
    ? { ok: true, schedule: parsed.data }
    : { ok: false, problems: explainIssues(parsed.error, raw, scheduleSpecJsonSchema() as JsonSchema) };
}

/**
 * True if Temporal reads the expression the same way as cron does: no words such as @weekly, no L, W, ? or #, and no
 * range that ends in the name of Sunday.
 */
function isCron(text: string): boolean {
  if (!/^(?:[\d\s*,/-]|\b[a-z]{3}\b)+$/i.test(text) || /-sun/i.test(text)) return false;
  try {
    return new CronPattern(text, undefined, { mode: '5-part' }).pattern !== '';
  } catch {
    return false;
  }
}

function namesOneDay(text: string): boolean {
  const [, , dayOfMonth, , dayOfWeek] = text.trim().split(/\s+/);
  return dayOfMonth === '*' || dayOfWeek === '*';
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
