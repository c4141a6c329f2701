import { readFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import { schemaFiles } from '../../../domain/spec/schema-files.ts';

test('editors and both languages have their schema files', () => {
  expect(schemaFiles().map((file) => file.path)).toEqual([
    'examples/lifecycle-spec.schema.json',
    'examples/schedule-spec.schema.json',
    'examples/event-rules.schema.json',
    'jobs/tuneline_jobs/runtime/job-spec.schema.json',
    'jobs/tuneline_jobs/stages/stages.json',
  ]);
});

test.each(schemaFiles())(
  '$path is what the zod schemas say; if not, run node scripts/dev/write-schemas.ts',
  async ({ path, content }) => {
    expect(await readFile(new URL(`../../../${path}`, import.meta.url), 'utf8')).toBe(content);
  },
);
