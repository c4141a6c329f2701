import { expect, test } from '@jest/globals';
import { bundleWorkflows, createWorker, deafSinks, startTimeSkipping } from '../support/temporal.ts';

test('a workflow hears of an end in the same turn, traced or not, so that two that end at once keep their order', async () => {
  const environment = await startTimeSkipping();
  const { client } = environment;
  const turns = async (traced: boolean): Promise<unknown> => {
    const taskQueue = traced ? 'traced' : 'untraced';
    const workflowBundle = await bundleWorkflows({
      source: new URL('fixtures/counts-turns.ts', import.meta.url),
      traced,
    });
    const worker = await createWorker(environment, { taskQueue, workflowBundle, sinks: deafSinks });
    return worker.runUntil(client.workflow.execute('countsTurns', { taskQueue, workflowId: taskQueue }));
  };
  try {
    const untraced = await turns(false);
    expect(untraced).toBeLessThan(1000);
    expect(await turns(true)).toBe(untraced);
  } finally {
    await environment.teardown();
  }
});
