import { createHash, randomUUID } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { chown, cp, lstat, mkdir, readFile, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { ArtifactStore } from '../domain/artifact-store.ts';
import { digestOfText } from '../domain/digest.ts';

/**
 * Artifacts in a folder of this machine. With `owner`, kept copies belong to that user, so that its Jobs can read them.
 */
export function createLocalArtifactStore(root: string, owner?: number): ArtifactStore {
  function inside(...path: readonly string[]): string {
    const target = resolve(root, ...path);
    const below = relative(resolve(root), target);
    if (below.startsWith('..') || isAbsolute(below)) throw new Error(`${path.join('/')} leaves the artifact store`);
    return target;
  }

  const placeOf = (digest: string, source: string): string =>
    join(root, 'inputs', digest.replace(':', '-'), basename(source));

  return {
    uriOf: (...path) => pathToFileURL(inside(...path)).href,
    exists: (uri) =>
      stat(fileURLToPath(uri)).then(
        () => true,
        () => false,
      ),
    readText: (uri) => readFile(fileURLToPath(uri), 'utf8'),
    readLines: (uri) => linesOf(fileURLToPath(uri)),
    digest: (uri) => digestOfPath(fileURLToPath(uri)),

    async remove(uri) {
      const target = inside(fileURLToPath(uri));
      if (target === resolve(root)) throw new Error('the artifact store itself is not removed');
      const bytes = await sizeOf(target);
      await rm(target, { recursive: true, force: true });
      return bytes;
    },

    async wouldKeep(uri) {
      const source = fileURLToPath(uri);
      const digest = await digestOfPath(source, isKept);
      return { uri: pathToFileURL(placeOf(digest, source)).href, digest };
    },

    async keep(uri) {
      const source = fileURLToPath(uri);
      const copy = join(root, 'inputs', `.${randomUUID()}`);
      await mkdir(dirname(copy), { recursive: true });
      try {
        // Shares the disk blocks if the file system supports it.
        await cp(source, copy, {
          recursive: true,
          dereference: true,
          mode: constants.COPYFILE_FICLONE,
          filter: isKept,
        });
        if (owner !== undefined) await giveTo(owner, copy);
        // Digests the copy, because the source may change during the read.
        const digest = await digestOfPath(copy);
        const kept = placeOf(digest, source);
        await mkdir(dirname(kept), { recursive: true });
        // A rename can replace an existing file, but not a folder. An existing folder has the same digest, so it stays.
        if (await isFolder(kept)) return { uri: pathToFileURL(kept).href, digest };
        await rename(copy, kept);
        return { uri: pathToFileURL(kept).href, digest };
      } finally {
        await rm(copy, { recursive: true, force: true });
      }
    },
  };
}

/** Excludes Python's compiled files, because they are not inputs. */
const isKept = (path: string): boolean => basename(path) !== '__pycache__';

async function* linesOf(path: string): AsyncGenerator<string> {
  const file = createReadStream(path);
  try {
    yield* createInterface({ input: file, crlfDelay: Infinity });
  } finally {
    // Closes the file also if the reader stops early.
    file.destroy();
  }
}

async function giveTo(owner: number, path: string): Promise<void> {
  const entries = (await isFolder(path)) ? await readdir(path, { recursive: true }) : [];
  for (const entry of ['', ...entries]) await chown(join(path, entry), owner, owner);
}

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

async function sizeOf(path: string): Promise<number> {
  const found = await lstat(path).catch(() => undefined);
  if (!found?.isDirectory()) return found?.size ?? 0;
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const sizes = await Promise.all(
    entries.filter((e) => e.isFile()).map(async (e) => (await lstat(join(e.parentPath, e.name))).size),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function digestOfPath(path: string, isPart: (name: string) => boolean = () => true): Promise<string> {
  if (!(await isFolder(path))) return digestOfFile(path);
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const names = entries.filter((e) => e.isFile()).map((e) => relative(path, join(e.parentPath, e.name)).split(sep));
  const lines: string[] = [];
  for (const name of names
    .filter((parts) => parts.every(isPart))
    .map((parts) => parts.join('/'))
    .sort())
    lines.push(`${name} ${await digestOfFile(join(path, name))}\n`);
  return digestOfText(lines.join(''));
}

async function digestOfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const block of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(block as Buffer);
  return `sha256:${hash.digest('hex')}`;
}
