import { writeFileSync } from 'node:fs';
import { schemaFiles } from '../../domain/spec/schema-files.ts';

/** Writes the JSON Schemas made from zod: `node scripts/dev/write-schemas.ts`, after a change to a spec. */
for (const { path, content } of schemaFiles()) writeFileSync(new URL(`../../${path}`, import.meta.url), content);
