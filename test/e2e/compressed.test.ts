import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Evidence } from '../../domain/gate/evidence.ts';
import { decide } from '../../domain/gate/gate.ts';
import type { Artifact } from '../../domain/job/job.ts';
import { createLocalArtifactStore } from '../../local/artifact-store.ts';
import { repository } from '../support/stack.ts';

/** Real models, real evaluations: what compression costs is seen where it costs something, and only there. */

const base = join(repository, '.tuneline', 'models', 'SmolLM2-135M-Instruct');
let folder: string;
let dataset: unknown;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tuneline-compressed-'));
  const { outputs } = await stage('prepare', {
    data: {
      uri: pathToFileURL(join(repository, 'examples/data/package-descriptions.jsonl')).href,
      input: ['description'],
      target: 'synopsis',
      group: 'source_package',
    },
    baseModel: pathToFileURL(base).href,
    prompt: {
      name: 'package-synopsis',
      version: '1',
      template: (await readFile(join(repository, 'examples/prompts/package-synopsis.txt'), 'utf8')).trimEnd(),
    },
    ...{ heldOutExamples: 128, trainExamples: 8, maxTokens: 192, seed: 7 },
  });
  dataset = outputs['dataset'];
});
afterAll(() => rm(folder, { recursive: true }));

test.each([
  ['int8 weights are let through', 'int8', true],
  ['30 % of the weights pruned is refused', 'prune30', false],
])('%s', async (_what, how, passed) => {
  const candidate = join(folder, how);
  python('tests.compressed_model', [base, candidate, how]);
  const { outputs } = await stage('evaluate', {
    dataset,
    models: [await modelOf('base', base), await modelOf('candidate', candidate)],
    ...{
      examples: 48,
      maxNewTokens: 1,
      latencyRequests: 1,
      bootstrapSamples: 2000,
      confidence: 0.95,
      seed: 7,
      cache: pathToFileURL(join(folder, 'cache')).href,
    },
  });
  const evidence = JSON.parse(await readFile(fileURLToPath(outputs['evidence']?.uri ?? ''), 'utf8')) as Evidence;
  const verdict = decide([{ rule: 'noWorseThanChampion', metric: 'perplexity', byMoreThan: 2 }], evidence);
  expect(verdict.findings).toEqual([
    expect.objectContaining({
      passed,
      finding: expect.stringContaining(passed ? 'shown: a loss of at most 2' : 'missed: a loss of at most 2'),
    }),
  ]);
  expect(verdict.passed).toBe(passed);
});

async function modelOf(role: string, path: string) {
  const uri = pathToFileURL(path).href;
  return { role, uri, digest: await createLocalArtifactStore(folder).digest(uri) };
}

/** A stage as its Job runs it, without a run in MLflow. */
async function stage(name: string, spec: object): Promise<{ readonly outputs: Readonly<Record<string, Artifact>> }> {
  const output = await mkdtemp(join(folder, `${name}-`));
  const env = {
    TUNELINE_JOB: JSON.stringify({ stage: name, output: pathToFileURL(output).href, ...spec }),
    TUNELINE_TERMINATION_PATH: join(output, 'outcome'),
  };
  python('tuneline_jobs', [name], env);
  return JSON.parse(await readFile(join(output, 'outcome'), 'utf8')) as { outputs: Record<string, Artifact> };
}

function python(module: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): void {
  const { status, stderr } = spawnSync(
    join(repository, '.tuneline', 'tools', 'jobs', 'bin', 'python'),
    ['-m', module, ...args],
    {
      cwd: join(repository, 'jobs'),
      env: { PATH: process.env['PATH'], HOME: folder, HF_HUB_OFFLINE: '1', PYTHONDONTWRITEBYTECODE: '1', ...env },
      encoding: 'utf8',
    },
  );
  if (status !== 0) throw new Error(`${module} ${args.join(' ')} failed:\n${stderr}`);
}
