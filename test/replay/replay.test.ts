import { readdirSync, readFileSync } from 'node:fs';
import { beforeAll, expect, test } from '@jest/globals';
import { Worker, type WorkflowBundle } from '@temporalio/worker';
import { bundleWorkflows, quieten } from '../support/temporal.ts';

const folder = new URL('histories/', import.meta.url);
const names = readdirSync(folder).map((file) => file.replace(/\.json$/, ''));
const read = (name: string): string => readFileSync(new URL(`${name}.json`, folder), 'utf8');

let workflowBundle: WorkflowBundle;
beforeAll(async () => {
  quieten();
  workflowBundle = await bundleWorkflows();
});

const replay = (history: string): Promise<void> => Worker.runReplayHistory({ workflowBundle }, JSON.parse(history));

test('there is a history of each kind', () => {
  expect(names).toEqual(expect.arrayContaining(['promoted', 'refused', 'reviewed', 'cancelled', 'retried', 'approved-by-two', 'stale', 'expired']));
});

test.each(names)('what was %s still replays', async (name) => {
  await expect(replay(read(name))).resolves.toBeUndefined();
});

test('a history that the workflow would not have made is refused', async () => {
  const broken = read('promoted').replaceAll('"findChampion"', '"findFormerChampion"');
  await expect(replay(broken)).rejects.toThrow(/nondeterminism/i);
});
