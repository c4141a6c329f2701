import { rename, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

/**
 * Runs in its own process, because the bundler never frees its memory: `node workers/bundle-workflows.ts FILE
 * [-traced]`.
 */
const [, , path = '', traced] = process.argv;
const pathOf = (file: string): string => fileURLToPath(new URL(`../workflows/${file}`, import.meta.url));
const { code } = await bundleWorkflowCode({
  workflowsPath: pathOf('index.ts'),
  workflowInterceptorModules: traced ? [pathOf('trace-interceptors.ts')] : [],
  logger: new DefaultLogger('WARN'),
});
const draft = `${path}.${process.pid}`;
await writeFile(draft, code);
await rename(draft, path);
