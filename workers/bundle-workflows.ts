import { rename, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

/** A process of its own, for the bundler stays in memory for good: `node workers/bundle-workflows.ts FILE`. */
const [, , path = ''] = process.argv;
const { code } = await bundleWorkflowCode({ workflowsPath: fileURLToPath(new URL('../workflows/index.ts', import.meta.url)), logger: new DefaultLogger('WARN') });
const draft = `${path}.${process.pid}`;
await writeFile(draft, code);
await rename(draft, path);
