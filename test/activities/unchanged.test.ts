import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createRecordActivities } from '../../activities/lifecycle-record.ts';
import { createReleaseActivities } from '../../activities/releases.ts';
import { createUnchangedActivities } from '../../activities/unchanged.ts';
import type { LifecycleInputs } from '../../domain/lifecycle/lifecycle.ts';
import type { LifecycleSpecInput } from '../../domain/spec/lifecycle-spec.ts';
import { tags, type Tracking } from '../../domain/lineage/tracking.ts';
import { createLocalArtifactStore } from '../../local/artifact-store.ts';
import { artifact } from '../builders/artifacts.ts';
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

interface Known {
  /** Whether one of the versions is the champion, and which. */
  readonly champion?: string | undefined;
  /** By version, the oldest first, all from the same: why it was refused, if it was. */
  readonly refusals?: Readonly<Record<string, string | undefined>>;
}

/** A registry that has what a lifecycle writes down of the versions that it registers. */
async function registered({ champion, refusals = { '2': undefined } }: Known): Promise<Tracking> {
  const known = { prompts: new Map<string, string>(), tags: {} as Readonly<Record<string, string>> };
  const tracking: Tracking = {
    ...fakeTracking().tracking,
    registerPrompt: (name, template) => (known.prompts.set(`${name}/1`, template), Promise.resolve('1')),
    readPrompt: (name, version) => Promise.resolve(known.prompts.get(`${name}/${version}`)),
    registerVersion: (version) => ((known.tags = version.tags), Promise.resolve('2')),
    findVersions: (_model, wanted) =>
      Promise.resolve(
        Object.entries(refusals)
          .map(([version, refusal]) => ({
            version,
            tags: { ...known.tags, ...(refusal === undefined ? {} : { [tags.refused]: refusal }) },
          }))
          .filter((one) =>
            Object.entries(wanted).every(([key, value]) => (one.tags as Record<string, string>)[key] === value),
          ),
      ),
    aliasVersion: (_model, alias) => Promise.resolve(alias === 'champion' ? champion : undefined),
  };
  const execution = { workflowId: 'weekly', firstExecutionRunId: 'first-run' };
  const { openLifecycle } = createRecordActivities(parts(tracking));
  const inputs: LifecycleInputs = await activityEnvironment().run(openLifecycle, aSpec(), execution);
  const evidence = {
    ...artifact('evidence'),
    uri: await written('evidence.json', JSON.stringify(evidenceOf({ candidate: { bleu: between(9, 11) } }))),
  };
  const { registerVersion } = createReleaseActivities(parts(tracking));
  await activityEnvironment().run(registerVersion, {
    spec: aSpec(),
    inputs,
    execution,
    weights: artifact('model'),
    dataset: artifact('dataset'),
    evidence,
  });
  return tracking;
}

const promoted = () => registered({ champion: '2' });

const found = (tracking: Tracking, change: Partial<LifecycleSpecInput> = {}, codeDigest?: string) =>
  activityEnvironment().run(createUnchangedActivities(parts(tracking, codeDigest)).findUnchanged, aSpec(change));

test('what the champion came from is unchanged, whoever asks; and looking registers no prompt', async () => {
  const tracking = await promoted();
  const looking = { ...tracking, registerPrompt: () => Promise.reject(new Error('only looking')) };
  expect(await found(looking, { requester: 'schedule weekly', skip: 'whenUnchanged' })).toBe('2');
});

describe('where a version that came from the same was refused', () => {
  const refusals = { '2': undefined, '3': 'Grace rolled back: it is rude' };
  const refused = {
    version: '3',
    reason:
      'Version 3 came from just this, and was refused: Grace rolled back: it is rude\nWith "skip": "never" it is tried again.',
  };

  test('nothing would come but that, which is said', async () => {
    expect(await found(await registered({ champion: '1', refusals }))).toEqual(refused);
    expect(await found(await registered({ refusals }))).toEqual(refused);
  });

  test('one that serves counts for more', async () => {
    expect(await found(await registered({ champion: '2', refusals }))).toBe('2');
  });

  test('and a later one was not, it may be made again', async () => {
    expect(
      await found(await registered({ champion: '1', refusals: { '3': 'too slow', '4': undefined } })),
    ).toBeUndefined();
  });

  test('another may be made', async () => {
    expect(await found(await registered({ champion: '1', refusals }), { seed: 8 })).toBeUndefined();
  });
});

describe('it is changed', () => {
  test('where there is no champion', async () => {
    expect(await found(fakeTracking().tracking)).toBeUndefined();
    expect(await found(await registered({}))).toBeUndefined();
  });

  test.each<[string, () => Promise<unknown>]>([
    [
      'a row came',
      () =>
        written(
          'data.jsonl',
          '{"description": "Lists files.", "synopsis": "ls"}\n{"description": "Copies.", "synopsis": "cp"}\n',
        ),
    ],
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
