import { access, mkdtemp, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { reviewersOf } from '../../../domain/review/access-tokens.ts';
import type { Finding } from '../../../k8s/doctor/finding.ts';
import { readTokens } from '../../../workers/console/access.ts';
import type { Config } from '../../../workers/config.ts';

export async function inspectStorage({ folders: { state } }: Config): Promise<Finding[]> {
  const what = 'storage';
  const folder = await nearestFolder(state);
  try {
    const own = await mkdtemp(join(folder, '.doctor-'));
    // Write a file too: on a full disk a folder can still be made.
    await writeFile(join(own, 'probe'), 'x').finally(() => rm(own, { recursive: true, force: true }));
    const { bavail, bsize } = await statfs(folder);
    return [{ what, ok: true, detail: `${state}, ${Math.floor((bavail * bsize) / 2 ** 30)} GiB free` }];
  } catch (error) {
    return [
      {
        what,
        ok: false,
        detail: `nothing can be written to ${folder}: ${(error as Error).message}`,
        remedy: 'make it writable for this user, or name another folder by TUNELINE_HOME',
      },
    ];
  }
}

/** Returns the folder, or its nearest parent that exists. */
const nearestFolder = (folder: string): Promise<string> =>
  access(folder).then(
    () => folder,
    () => (dirname(folder) === folder ? folder : nearestFolder(dirname(folder))),
  );

/** Checks the tokens file of a console on this machine. A console on a cluster reads a Secret instead. */
export async function inspectTokens({ runner, tokensPath: path }: Config): Promise<Finding[]> {
  const what = 'console tokens';
  const wrong = (detail: string, remedy: string): Finding[] => [
    { what, ok: false, detail: `${path} ${detail}`, remedy },
  ];
  const create = '"scripts/tuneline token create NAME --role reviewer" makes a token';
  try {
    const { mode } = await stat(path);
    const reviewers = reviewersOf(await readTokens(path));
    if ((mode & 0o006) !== 0) return wrong('is open to every user of this machine', `chmod o= ${path}`);
    if (reviewers.length === 0) return wrong('has no token of a reviewer: nobody may decide', create);
    return [{ what, ok: true, detail: `${path}, reviewers: ${reviewers.join(', ')}` }];
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    if (code !== 'ENOENT')
      return wrong(`can't be read: ${code}`, 'make it a file that this user reads, or name another by TUNELINE_TOKENS');
    return runner === 'local'
      ? wrong(
          'does not exist: nobody can sign in',
          `"scripts/tuneline up" makes one for you; ${create} for someone else`,
        )
      : [];
  }
}
