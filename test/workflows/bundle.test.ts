import { expect, test } from '@jest/globals';
import { bundleWorkflows } from '../support/temporal.ts';

/** zod alone costs each open workflow a megabyte; the others do I/O, and most of them the bundler refuses too. */
const unwelcome = [
  'zod',
  '@temporalio/client',
  '@temporalio/activity',
  '@kubernetes/client-node',
  'node:crypto',
] as const;

/** webpack names each module by its path, or by its request where it left it out. */
const unwelcomeIn = (code: string): string[] =>
  unwelcome.filter(
    (name) => code.includes(`node_modules/${name}/`) || code.includes(`"${name}"`) || code.includes(`"${name} `),
  );

test('the workflows bundle, without what they must not hold', async () => {
  const { code } = await bundleWorkflows();
  expect(code).toContain('node_modules/@temporalio/workflow/');
  expect(code).toContain('./workflows/lifecycle.ts');
  expect(unwelcomeIn(code)).toEqual([]);
});

test('zod in a workflow would be found', async () => {
  const { code } = await bundleWorkflows({ source: new URL('fixtures/imports-zod.ts', import.meta.url) });
  expect(unwelcomeIn(code)).toEqual(['zod']);
});
