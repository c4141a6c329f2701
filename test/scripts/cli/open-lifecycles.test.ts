import { expect, test } from '@jest/globals';
import { TypedSearchAttributes } from '@temporalio/common';
import { openLifecyclesOf } from '../../../scripts/cli/prune.ts';
import { ensureSearchAttributes } from '../../../workers/search-attributes.ts';
import { modelAttribute } from '../../../workflows/search-attributes.ts';
import { startDevServer } from '../../support/temporal.ts';
import { until } from '../../support/until.ts';

test('open lifecycles of a model are those that say so, and those that have not said anything yet', async () => {
  const environment = await startDevServer();
  const { client } = environment;
  await ensureSearchAttributes(client);
  // No worker takes them: they stay as they were started.
  const start = (workflowId: string, model?: string) =>
    client.workflow.start('lifecycle', {
      taskQueue: 'nobody',
      workflowId,
      ...(model ? { typedSearchAttributes: new TypedSearchAttributes([{ key: modelAttribute, value: model }]) } : {}),
    });
  await start('weekly-7', 'summaries');
  await start('just-begun');
  await start('other', 'translations');
  const ended = await start('weekly-6', 'summaries');
  await ended.terminate();
  await until(async () => (await openLifecyclesOf(client, 'summaries')).sort().join() === 'just-begun,weekly-7');
  expect(await openLifecyclesOf(client, 'translations')).not.toContain('weekly-7');
  await environment.teardown();
});
