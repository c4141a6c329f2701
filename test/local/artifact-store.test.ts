import { mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect, test } from '@jest/globals';
import { createLocalArtifactStore } from '../../local/artifact-store.ts';

test('what is removed lies in the store, or nothing is', async () => {
  const root = await mkdtemp(join(tmpdir(), 'tuneline-artifacts-'));
  const [inside, outside] = [join(root, 'store', 'jobs', 'one'), join(root, 'outside')];
  await mkdir(inside, { recursive: true });
  await writeFile(join(inside, 'a'), '123');
  await mkdir(join(inside, 'b'));
  await writeFile(join(inside, 'b', 'c'), '4567');
  await writeFile(outside, '');
  await symlink(outside, join(inside, 'link'));
  const store = createLocalArtifactStore(join(root, 'store'));
  for (const uri of [
    pathToFileURL(outside).href,
    `${pathToFileURL(join(root, 'store')).href}/../outside`,
    pathToFileURL(join(root, 'store')).href,
  ])
    await expect(store.remove(uri)).rejects.toThrow(/leaves the artifact store|is not removed/);
  expect(await store.remove(pathToFileURL(inside).href)).toBe(7);
  expect(await store.remove(pathToFileURL(inside).href)).toBe(0);
  expect(await store.exists(pathToFileURL(inside).href)).toBe(false);
  expect(await stat(outside)).toBeDefined();
  await rm(root, { recursive: true });
});

test('what would be kept is said as keeping says it, and nothing is kept', async () => {
  const root = await mkdtemp(join(tmpdir(), 'tuneline-artifacts-'));
  const [file, folder] = [join(root, 'data.jsonl'), join(root, 'tasks')];
  await writeFile(file, '{}\n');
  await mkdir(join(folder, 'part', '__pycache__'), { recursive: true });
  for (const path of ['own.yaml', 'part/own.py', 'part/__pycache__/own.pyc']) await writeFile(join(folder, path), path);
  const store = createLocalArtifactStore(join(root, 'store'));
  const uris = [file, folder].map((path) => pathToFileURL(path).href);
  const would = await Promise.all(uris.map((uri) => store.wouldKeep(uri)));
  expect(await Promise.all(would.map(({ uri }) => store.exists(uri)))).toEqual([false, false]);
  expect(await Promise.all(uris.map((uri) => store.keep(uri)))).toEqual(would);
  await rm(root, { recursive: true });
});

const asRoot = process.getuid?.() === 0 ? test : test.skip;

asRoot('data that only root may read is kept so that the user of the Jobs may', async () => {
  const root = await mkdtemp(join(tmpdir(), 'tuneline-artifacts-'));
  const source = join(root, 'data.jsonl');
  await writeFile(source, '{}\n', { mode: 0o600 });
  const { uri } = await createLocalArtifactStore(root, 10_001).keep(pathToFileURL(source).href);
  expect(await stat(fileURLToPath(uri))).toMatchObject({ uid: 10_001, gid: 10_001 });
  expect(await stat(source)).toMatchObject({ uid: 0 });
  const folder = join(root, 'folder');
  await mkdir(folder);
  await writeFile(join(folder, 'a'), '', { mode: 0o600 });
  const kept = await createLocalArtifactStore(root, 10_001).keep(pathToFileURL(folder).href);
  expect(await stat(join(fileURLToPath(kept.uri), 'a'))).toMatchObject({ uid: 10_001, gid: 10_001 });
  await rm(root, { recursive: true });
});
