import { execFile } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { digestOf, digestOfText } from '../domain/digest.ts';
import { readPackageVersion } from './config.ts';

/** One digest over the Python sources of the Jobs and their lock: when it changes, no earlier stage is reused. */
export async function digestJobsCode(repository: string): Promise<string> {
  const folder = join(repository, 'jobs');
  const entries = await readdir(join(folder, 'tuneline_jobs'), { recursive: true, withFileTypes: true });
  const sources = entries.filter((e) => e.isFile() && /\.(py|json)$/.test(e.name)).map((e) => join(e.parentPath, e.name));
  const files = [...sources, join(folder, 'requirements.lock')];
  const digests = await Promise.all(files.map(async (file) => [relative(folder, file), digestOfText(await readFile(file, 'utf8'))]));
  return digestOf(Object.fromEntries(digests));
}

/** The Git revision, marked where files differ from it; the package's version where there is no Git. */
export async function describeRevision(repository: string): Promise<string> {
  return promisify(execFile)('git', ['-C', repository, 'describe', '--always', '--dirty', '--abbrev=12'], { encoding: 'utf8' }).then(
    ({ stdout }) => stdout.trim(),
    () => readPackageVersion(),
  );
}
