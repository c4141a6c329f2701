import { expect, test } from '@jest/globals';
import { startLifecycle } from '../../../scripts/cli/run-lifecycle.ts';
import { specInput } from '../../builders/specs.ts';
import { startDevServer } from '../../support/temporal.ts';

test('whoever starts a lifecycle hears its name, and where texts will be sent', async () => {
  const environment = await startDevServer();
  const start = async (workflowId: string, evaluate: object): Promise<string[]> => {
    const lines: string[] = [];
    const spec = { ...specInput(), evaluate: { examples: 16, ...evaluate } };
    // No worker takes it: it stays as it was started.
    await startLifecycle(
      environment.client,
      { spec, requester: 'ada', workflowId },
      { line: (text) => lines.push(text) },
    );
    return lines;
  };
  expect(await start('alone', {})).toEqual(['lifecycle alone']);
  expect(await start('judged', { judge: { model: 'org/judge', address: 'https://judge.example/v1' } })).toEqual([
    'lifecycle judged',
    expect.stringContaining('sent to https://judge.example/v1, for org/judge'),
  ]);
  await environment.teardown();
});
