import { readdirSync, readFileSync } from 'node:fs';
import { beforeAll, expect, test } from '@jest/globals';
import { Worker, type WorkflowBundle } from '@temporalio/worker';
import { bundleWorkflows, deafSinks, quieten } from '../support/temporal.ts';

const folder = new URL('histories/', import.meta.url);
const names = readdirSync(folder).map((file) => file.replace(/\.json$/, ''));
const read = (name: string): string => readFileSync(new URL(`${name}.json`, folder), 'utf8');

const bundles = new Map<string, WorkflowBundle>();
beforeAll(async () => {
  quieten();
  bundles.set('untraced', await bundleWorkflows());
  bundles.set('traced', await bundleWorkflows({ traced: true }));
});

function replay(history: string, how = 'untraced'): Promise<void> {
  const workflowBundle = bundles.get(how);
  if (!workflowBundle) throw new Error(`nothing was bundled ${how}`);
  // Requests are named after the execution.
  const { events } = JSON.parse(history) as {
    events: { workflowExecutionStartedEventAttributes: { workflowId: string } }[];
  };
  return Worker.runReplayHistory(
    { workflowBundle, sinks: deafSinks },
    { events },
    events[0]?.workflowExecutionStartedEventAttributes.workflowId,
  );
}

test('there is a history of each kind', () => {
  expect(names).toEqual(
    expect.arrayContaining([
      'promoted',
      'refused',
      'cancelled',
      'retried',
      'approved-by-two',
      'stale',
      'expired',
      'traced',
    ]),
  );
});

test.each(
  names.flatMap(
    (name) =>
      [
        [name, 'untraced'],
        [name, 'traced'],
      ] as const,
  ),
)('what was %s still replays, %s', async (name, how) => {
  await expect(replay(read(name), how)).resolves.toBeUndefined();
});

test.each(['untraced', 'traced'])('a history that the workflow would not have made is refused, %s', async (how) => {
  const broken = read('promoted').replaceAll('"findChampion"', '"findFormerChampion"');
  await expect(replay(broken, how)).rejects.toThrow(/nondeterminism/i);
});
