import { writeFileSync } from 'node:fs';
import { schemaFiles } from '../domain/schema-files.ts';

/** Writes the JSON Schemas made from zod: `node scripts/write-schemas.ts`, after a change to a spec. */
for (const { path, content } of schemaFiles()) writeFileSync(new URL(`../${path}`, import.meta.url), content);
