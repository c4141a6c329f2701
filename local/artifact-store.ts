import { createHash, randomUUID } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { chown, copyFile, lstat, mkdir, readFile, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { ArtifactStore } from '../domain/artifact-store.ts';
import { digestOfText } from '../domain/digest.ts';

/** Artifacts in a folder of this machine; what is kept there for Jobs of another user is made theirs. */
export function createLocalArtifactStore(root: string, owner?: number): ArtifactStore {
  function inside(...path: readonly string[]): string {
    const target = resolve(root, ...path);
    const below = relative(resolve(root), target);
    if (below.startsWith('..') || isAbsolute(below)) throw new Error(`${path.join('/')} leaves the artifact store`);
    return target;
  }

  return {
    uriOf: (...path) => pathToFileURL(inside(...path)).href,
    exists: (uri) =>
      stat(fileURLToPath(uri)).then(
        () => true,
        () => false,
      ),
    readText: (uri) => readFile(fileURLToPath(uri), 'utf8'),
    digest: (uri) => digestOfPath(fileURLToPath(uri)),

    async remove(uri) {
      const target = inside(fileURLToPath(uri));
      if (target === resolve(root)) throw new Error('the artifact store itself is not removed');
      const bytes = await sizeOf(target);
      await rm(target, { recursive: true, force: true });
      return bytes;
    },

    async keepFile(uri) {
      const source = fileURLToPath(uri);
      const copy = join(root, 'inputs', `.${randomUUID()}`);
      await mkdir(dirname(copy), { recursive: true });
      try {
        // Shares the blocks where the file system can.
        await copyFile(source, copy, constants.COPYFILE_FICLONE);
        if (owner !== undefined) await chown(copy, owner, owner);
        // Of the copy: the source may change under the reader.
        const digest = await digestOfFile(copy);
        const kept = join(root, 'inputs', digest.replace(':', '-'), basename(source));
        await mkdir(dirname(kept), { recursive: true });
        await rename(copy, kept);
        return { uri: pathToFileURL(kept).href, digest };
      } finally {
        await rm(copy, { force: true });
      }
    },
  };
}

async function sizeOf(path: string): Promise<number> {
  const found = await lstat(path).catch(() => undefined);
  if (!found?.isDirectory()) return found?.size ?? 0;
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const sizes = await Promise.all(entries.filter((e) => e.isFile()).map(async (e) => (await lstat(join(e.parentPath, e.name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function digestOfPath(path: string): Promise<string> {
  if (!(await stat(path)).isDirectory()) return digestOfFile(path);
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const names = entries.filter((e) => e.isFile()).map((e) => relative(path, join(e.parentPath, e.name)).split(sep).join('/'));
  const lines: string[] = [];
  for (const name of names.sort()) lines.push(`${name} ${await digestOfFile(join(path, name))}\n`);
  return digestOfText(lines.join(''));
}

async function digestOfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const block of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(block as Buffer);
  return `sha256:${hash.digest('hex')}`;
}
