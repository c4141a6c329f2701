import { z } from 'zod';
import { eventRulesJsonSchema } from './event-rules.ts';
import { lifecycleSpecJsonSchema } from './explain-spec.ts';
import { jobSpecSchema } from '../job/job-spec.ts';
import { jobStages } from '../job/stages.ts';
import { scheduleSpecJsonSchema } from './schedule-spec.ts';

/**
 * The checked-in JSON Schemas and their contents. Editors use the ones under examples; `jobs/` checks its specs with
 * its own.
 */
export const schemaFiles = (): readonly { readonly path: string; readonly content: string }[] => [
  { path: 'examples/lifecycle-spec.schema.json', content: show(lifecycleSpecJsonSchema()) },
  { path: 'examples/schedule-spec.schema.json', content: show(scheduleSpecJsonSchema()) },
  { path: 'examples/event-rules.schema.json', content: show(eventRulesJsonSchema()) },
  { path: 'jobs/tuneline_jobs/runtime/job-spec.schema.json', content: show(z.toJSONSchema(jobSpecSchema)) },
  { path: 'jobs/tuneline_jobs/stages/stages.json', content: show(pythonStages()) },
];

/** The facts of the stage table that the Python entry point needs. */
const pythonStages = () =>
  Object.fromEntries(
    Object.entries(jobStages).map(([name, { longRunning, distributed }]) => [
      name,
      { module: `stages.${name}`, long: longRunning, distributed },
    ]),
  );

const show = (schema: unknown): string => `${JSON.stringify(schema, null, 2)}\n`;
