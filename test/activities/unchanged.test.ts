import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createRecordActivities } from '../../activities/lifecycle-record.ts';
import { createReleaseActivities } from '../../activities/releases.ts';
import { createUnchangedActivities } from '../../activities/unchanged.ts';
import type { LifecycleInputs } from '../../domain/lifecycle.ts';
import type { LifecycleSpecInput } from '../../domain/lifecycle-spec.ts';
import type { Tracking } from '../../domain/tracking.ts';
import { createLocalArtifactStore } from '../../local/artifact-store.ts';
import { artifact } from '../builders/artifacts.ts';
import { fakeEndpointHost } from '../builders/endpoint-host.ts';
import { between, evidenceOf } from '../builders/evidence.ts';
import { aSpec } from '../builders/specs.ts';
import { fakeTracking } from '../builders/tracking.ts';
import { activityEnvironment } from '../support/temporal.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'tuneline-unchanged-'));
  await written('data.jsonl', '{"description": "Lists files.", "synopsis": "ls"}\n');
  await written('prompt.txt', 'Summarize: {{description}}\n');
});
afterEach(() => rm(root, { recursive: true }));

async function written(name: string, text: string): Promise<string> {
  await writeFile(join(root, name), text);
  return pathToFileURL(join(root, name)).href;
}

const parts = (tracking: Tracking, codeDigest = 'code-1') => ({
  tracking,
  artifacts: createLocalArtifactStore(root),
  workspace: { root, models: join(root, 'models'), codeDigest, codeRevision: 'abc123' },
});

/** A registry that has what a lifecycle writes down of the version that it registers; it is the champion unless told otherwise. */
async function promoted({ champion = true } = {}): Promise<Tracking> {
  const known = { prompts: new Map<string, string>(), tags: {} as Readonly<Record<string, string>> };
  const tracking: Tracking = {
    ...fakeTracking().tracking,
    registerPrompt: (name, template) => (known.prompts.set(`${name}/1`, template), Promise.resolve('1')),
    readPrompt: (name, version) => Promise.resolve(known.prompts.get(`${name}/${version}`)),
    registerVersion: ({ tags }) => ((known.tags = tags), Promise.resolve('2')),
    readVersion: (_model, version) => Promise.resolve(version === '2' ? { version, tags: known.tags } : undefined),
    aliasVersion: (_model, alias) => Promise.resolve(champion && alias === 'champion' ? '2' : undefined),
  };
  const execution = { workflowId: 'weekly', firstExecutionRunId: 'first-run' };
  const { openLifecycle } = createRecordActivities(parts(tracking));
  const inputs: LifecycleInputs = await activityEnvironment().run(openLifecycle, aSpec(), execution);
  const evidence = { ...artifact('evidence'), uri: await written('evidence.json', JSON.stringify(evidenceOf({ candidate: { bleu: between(9, 11) } }))) };
  const { registerVersion } = createReleaseActivities({ ...parts(tracking), endpoints: fakeEndpointHost({}, [], '') });
  await activityEnvironment().run(registerVersion, { spec: aSpec(), inputs, execution, weights: artifact('model'), dataset: artifact('dataset'), evidence });
  return tracking;
}

const found = (tracking: Tracking, change: Partial<LifecycleSpecInput> = {}, codeDigest?: string) =>
  activityEnvironment().run(createUnchangedActivities(parts(tracking, codeDigest)).findUnchanged, aSpec(change));

test('what the champion came from is unchanged, whoever asks; and looking registers no prompt', async () => {
  const tracking = await promoted();
  const looking = { ...tracking, registerPrompt: () => Promise.reject(new Error('only looking')) };
  expect(await found(looking, { requester: 'schedule weekly', skip: 'whenUnchanged' })).toBe('2');
});

describe('it is changed', () => {
  test('where there is no champion', async () => {
    expect(await found(fakeTracking().tracking)).toBeUndefined();
    expect(await found(await promoted({ champion: false }))).toBeUndefined();
  });

  test.each<[string, () => Promise<unknown>]>([
    ['a row came', () => written('data.jsonl', '{"description": "Lists files.", "synopsis": "ls"}\n{"description": "Copies.", "synopsis": "cp"}\n')],
    ['the prompt was edited', () => written('prompt.txt', 'Shorten: {{description}}\n')],
  ])('where %s', async (_what, change) => {
    const tracking = await promoted();
    await change();
    expect(await found(tracking)).toBeUndefined();
  });

  test('where the code, the base model or a setting is another', async () => {
    const tracking = await promoted();
    expect(await found(tracking, {}, 'code-2')).toBeUndefined();
    expect(await found(tracking, { baseModel: 'org/another' })).toBeUndefined();
    expect(await found(tracking, { seed: 8 })).toBeUndefined();
  });
});
