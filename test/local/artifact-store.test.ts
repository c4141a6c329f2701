import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect, test } from '@jest/globals';
import { createLocalArtifactStore } from '../../local/artifact-store.ts';

const asRoot = process.getuid?.() === 0 ? test : test.skip;

asRoot('data that only root may read is kept so that the user of the Jobs may', async () => {
  const root = await mkdtemp(join(tmpdir(), 'tuneline-artifacts-'));
  const source = join(root, 'data.jsonl');
  await writeFile(source, '{}\n', { mode: 0o600 });
  const { uri } = await createLocalArtifactStore(root, 10_001).keepFile(pathToFileURL(source).href);
  expect(await stat(fileURLToPath(uri))).toMatchObject({ uid: 10_001, gid: 10_001 });
  expect(await stat(source)).toMatchObject({ uid: 0 });
  await rm(root, { recursive: true });
});
