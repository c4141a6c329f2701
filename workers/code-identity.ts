import { execFile } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { digestOf, digestOfText } from '../domain/digest.ts';
import { readPackageVersion } from './config.ts';

/** One digest of the Jobs' Python sources and their lock file. When it changes, no earlier stage is reused. */
export const digestJobsCode = (repository: string): Promise<string> =>
  digestSources(join(repository, 'jobs'), ['tuneline_jobs'], 'requirements.lock');

/** One digest of every source of the workflow bundle. */
export const digestWorkflowsCode = (repository: string): Promise<string> =>
  digestSources(repository, ['workflows', 'domain'], 'package-lock.json');

/**
 * The ID of this build of the worker. The same code gives the same ID, and any change to the code that lifecycles run
 * gives another. It has 16 characters, so that it is readable in Temporal's UI.
 */
export const buildIdOf = async (repository: string): Promise<string> =>
  (
    await digestSources(
      repository,
      ['workflows', 'domain', 'activities', 'k8s', 'local', 'mlflow', 'serving', 'workers'],
      'package-lock.json',
    )
  ).slice(-16);

async function digestSources(root: string, folders: readonly string[], lock: string): Promise<string> {
  const entries = await Promise.all(
    folders.map((folder) => readdir(join(root, folder), { recursive: true, withFileTypes: true })),
  );
  const sources = entries.flat().filter((e) => e.isFile() && /\.(py|ts|json)$/.test(e.name));
  const files = [...sources.map((e) => join(e.parentPath, e.name)), join(root, lock)];
  const digests = await Promise.all(
    files.map(async (file) => [relative(root, file), digestOfText(await readFile(file, 'utf8'))]),
  );
  return digestOf(Object.fromEntries(digests));
}

/** The Git revision, marked if the working tree differs from it. Without Git, the package version. */
export async function describeRevision(repository: string): Promise<string> {
  return promisify(execFile)('git', ['-C', repository, 'describe', '--always', '--dirty', '--abbrev=12'], {
    encoding: 'utf8',
  }).then(
    ({ stdout }) => stdout.trim(),
    () => readPackageVersion(),
  );
}
