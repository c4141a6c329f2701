import { createHash, randomUUID } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { chown, copyFile, mkdir, readFile, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { ArtifactStore } from '../domain/artifact-store.ts';
import { digestOfText } from '../domain/digest.ts';

/** Artifacts in a folder of this machine; what is kept there for Jobs of another user is made theirs. */
export function createLocalArtifactStore(root: string, owner?: number): ArtifactStore {
  return {
    uriOf(...path) {
      const target = resolve(root, ...path);
      const inside = relative(resolve(root), target);
      if (inside.startsWith('..') || isAbsolute(inside)) throw new Error(`${path.join('/')} leaves the artifact store`);
      return pathToFileURL(target).href;
    },
    exists: (uri) =>
      stat(fileURLToPath(uri)).then(
        () => true,
        () => false,
      ),
    readText: (uri) => readFile(fileURLToPath(uri), 'utf8'),
    digest: (uri) => digestOfPath(fileURLToPath(uri)),

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
