import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createRecordActivities } from '../../activities/lifecycle-record.ts';
import { digestOfText } from '../../domain/digest.ts';
import type { LifecycleInputs } from '../../domain/lifecycle/lifecycle.ts';
import { tags } from '../../domain/lineage/tracking.ts';
import { createLocalArtifactStore } from '../../local/artifact-store.ts';
import { artifact } from '../builders/artifacts.ts';
import { aSpec } from '../builders/specs.ts';
import { fakeTracking } from '../builders/tracking.ts';
import { activityEnvironment } from '../support/temporal.ts';

const rows = '{"description": "Lists files.", "synopsis": "ls"}\n';
const execution = { workflowId: 'weekly', firstExecutionRunId: 'first-run' };

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'tuneline-record-'));
  await mkdir(join(root, 'models', 'imported'), { recursive: true });
  await writeFile(join(root, 'data.jsonl'), rows);
  await writeFile(join(root, 'prompt.txt'), 'Summarize: {{description}}\n\n');
  await writeFile(join(root, 'models', 'imported', 'config.json'), '{}');
});
afterEach(() => rm(root, { recursive: true }));

/** The activities, and what they changed in MLflow, in order. */
function recordActivities() {
  const { tracking, changes } = fakeTracking();
  const workspace = { root, models: join(root, 'models'), codeDigest: artifact('code').digest, codeRevision: 'abc123' };
  const activities = createRecordActivities({ tracking, artifacts: createLocalArtifactStore(root), workspace });
  const open = (spec = aSpec(), { openLifecycle } = activities) =>
    activityEnvironment().run(openLifecycle, spec, execution);
  const onCluster = (gpusPerNode: number) =>
    createRecordActivities({
      tracking,
      artifacts: createLocalArtifactStore(root),
      workspace: { ...workspace, cluster: { gpusPerNode } },
    });
  return { ...activities, changes, open, onCluster };
}

const uriOf = (...path: string[]): string => pathToFileURL(join(root, ...path)).href;

describe('a lifecycle is opened', () => {
  test('and what it works from is fixed by digest', async () => {
    const { open } = recordActivities();
    expect(await open(aSpec({ baseModel: 'packaged:imported' }))).toEqual({
      runId: 'job-run',
      data: { uri: uriOf('inputs', digestOfText(rows).replace(':', '-'), 'data.jsonl'), digest: digestOfText(rows) },
      baseModel: { uri: uriOf('models', 'imported'), digest: digestOfText(`config.json ${digestOfText('{}')}\n`) },
      prompt: { name: 'summarize', version: '1', template: 'Summarize: {{description}}' },
      codeDigest: artifact('code').digest,
      codeRevision: 'abc123',
    });
  });

  test('and whoever edits the data after that changes nothing', async () => {
    const { open } = recordActivities();
    const { data } = (await open(aSpec())) as LifecycleInputs;
    await writeFile(join(root, 'data.jsonl'), 'edited');
    expect(await readFile(fileURLToPath(data.uri), 'utf8')).toBe(rows);
    expect(await readFile(join(root, 'data.jsonl'), 'utf8')).toBe('edited');
    expect(await readdir(join(root, 'inputs'))).toHaveLength(1);
  });

  test("and so are the team's own tasks, without what Python makes of them", async () => {
    const { open } = recordActivities();
    const tasks = join(root, 'tasks');
    await mkdir(join(tasks, '__pycache__'), { recursive: true });
    await writeFile(join(tasks, 'own.yaml'), 'task: own\n');
    await writeFile(join(tasks, '__pycache__', 'own.pyc'), '');
    const spec = aSpec({ evaluate: { examples: 16, harness: { tasks: ['own'], includePath: 'tasks' } } });
    const { harnessTasks } = (await open(spec)) as LifecycleInputs;
    expect(harnessTasks?.digest).toBe(digestOfText(`own.yaml ${digestOfText('task: own\n')}\n`));
    await writeFile(join(tasks, 'own.yaml'), 'edited');
    expect(await readdir(fileURLToPath(harnessTasks?.uri ?? ''))).toEqual(['own.yaml']);
    expect(await readFile(join(fileURLToPath(harnessTasks?.uri ?? ''), 'own.yaml'), 'utf8')).toBe('task: own\n');
    await writeFile(join(tasks, 'own.yaml'), 'task: own\n');
    expect((await open(spec)) as LifecycleInputs).toMatchObject({ harnessTasks });
  });

  test('and where each node has several GPUs, that is fixed too', async () => {
    const { open, onCluster } = recordActivities();
    const spec = aSpec({ data: { ...aSpec().data, path: 'hub:org/data' }, baseModel: 'org/base' });
    expect(await open(spec, onCluster(8))).toMatchObject({ gpusPerNode: 8 });
    expect(await open(spec, onCluster(1))).not.toHaveProperty('gpusPerNode');
  });

  test('and what is on the hub stands for itself', async () => {
    const { open } = recordActivities();
    expect(await open(aSpec({ data: { ...aSpec().data, path: 'hub:org/data' } }))).toMatchObject({
      data: { uri: 'hub:org/data', digest: digestOfText('hub:org/data') },
      baseModel: { uri: 'org/base', digest: digestOfText('org/base') },
    });
  });

  test('and its run carries the lineage and the spec', async () => {
    const { open, changes } = recordActivities();
    const spec = aSpec();
    await open(spec);
    expect(changes).toEqual([
      ['registerPrompt', 'summarize', 'Summarize: {{description}}'],
      [
        'openRun',
        {
          experiment: 'summaries',
          name: 'weekly',
          key: { key: tags.executionKey, value: 'weekly/first-run' },
          tags: {
            [tags.workflowId]: 'weekly',
            [tags.codeRevision]: 'abc123',
            [tags.codeDigest]: artifact('code').digest,
            [tags.dataDigest]: digestOfText(rows),
            [tags.promptVersion]: 'summarize/1',
            [tags.baseModel]: 'org/base',
            [tags.baseModelDigest]: digestOfText('org/base'),
          },
        },
      ],
      ['putText', 'job-run', 'spec.json', `${JSON.stringify(spec, null, 2)}\n`],
    ]);
  });

  test.each([
    ['data.jsonl', 'data.path'],
    ['prompt.txt', 'prompt.path'],
  ])('but not if %s went since the spec was checked', async (file, field) => {
    await rm(join(root, file));
    const { open, changes } = recordActivities();
    await expect(open()).rejects.toMatchObject({
      type: 'BadSpec',
      nonRetryable: true,
      message: expect.stringContaining(`${field}: expected a file`),
    });
    expect(changes).toEqual([]);
  });
});

test.each([
  [true, 'gate passed'],
  [false, 'gate failed'],
])('a verdict that passed: %s is tagged "%s", its findings kept', async (passed, tag) => {
  const { recordVerdict, changes } = recordActivities();
  const verdict = { passed, findings: [{ rule: 'bleu at least 5', passed, finding: 'measured' }] };
  await recordVerdict('parent-run', verdict);
  expect(changes).toEqual([
    ['putText', 'parent-run', 'verdict.json', `${JSON.stringify(verdict, null, 2)}\n`],
    ['setTags', 'parent-run', { [tags.verdict]: tag }],
  ]);
});

describe('a lifecycle is closed', () => {
  test('with its verdict, before its run ends', async () => {
    const { closeLifecycle, changes } = recordActivities();
    await closeLifecycle('parent-run', 'FINISHED', 'promoted');
    expect(changes).toEqual([
      ['setTags', 'parent-run', { [tags.verdict]: 'promoted' }],
      ['endRun', 'parent-run', 'FINISHED'],
    ]);
  });

  test('without one, and the verdict that stands is left', async () => {
    const { closeLifecycle, changes } = recordActivities();
    await closeLifecycle('parent-run', 'KILLED');
    expect(changes).toEqual([['endRun', 'parent-run', 'KILLED']]);
  });
});
