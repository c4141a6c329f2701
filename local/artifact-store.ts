import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, readdir, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { ArtifactStore } from '../domain/artifact-store.ts';
import { digestOfText } from '../domain/digest.ts';

/** Artifacts in a folder of this machine. */
export function createLocalArtifactStore(root: string): ArtifactStore {
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
