import { z } from 'zod';
import { eventRulesJsonSchema } from './event-rules.ts';
import { lifecycleSpecJsonSchema } from './explain-spec.ts';
import { jobSpecSchema } from './job-spec.ts';
import { scheduleSpecJsonSchema } from './schedule-spec.ts';

/** The checked-in JSON Schemas and what they must hold: editors read those of examples, `jobs/` checks its specs by its own. */
export const schemaFiles = (): readonly { readonly path: string; readonly content: string }[] => [
  { path: 'examples/lifecycle-spec.schema.json', content: show(lifecycleSpecJsonSchema()) },
  { path: 'examples/schedule-spec.schema.json', content: show(scheduleSpecJsonSchema()) },
  { path: 'examples/event-rules.schema.json', content: show(eventRulesJsonSchema()) },
  { path: 'jobs/tuneline_jobs/runtime/job-spec.schema.json', content: show(z.toJSONSchema(jobSpecSchema)) },
];

const show = (schema: unknown): string => `${JSON.stringify(schema, null, 2)}\n`;
