import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { digestOfText } from '../../domain/digest.ts';
import { createArtifactReader } from '../../workers/console/read-artifact.ts';
import { createTables } from '../../workers/console/tables.ts';

test('a table is read once, and only the last few are kept', async () => {
  const read: string[] = [];
  const tables = createTables(
    (artifact) => Promise.resolve(`{"of": "${(read.push(artifact.digest), artifact.digest)}"}\n`),
    ({ of }) => of,
  );
  for (const name of ['a', 'a', 'b', 'c', 'd', 'a', 'e', 'a', 'b'])
    expect(await tables({ uri: 'file:///x', digest: name })).toEqual([name]);
  expect(read).toEqual(['a', 'b', 'c', 'd', 'e', 'b']);
});

describe('an artifact', () => {
  let folder: string;
  let read: ReturnType<typeof createArtifactReader>;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tuneline-artifacts-'));
    await mkdir(join(folder, 'store'));
    await writeFile(join(folder, 'store', 'evidence.json'), '{}');
    await writeFile(join(folder, 'secret'), '{}');
    await writeFile(join(folder, 'store-beside'), '{}');
    await symlink(join(folder, 'secret'), join(folder, 'store', 'link'));
    read = createArtifactReader(join(folder, 'store'));
  });
  afterAll(() => rm(folder, { recursive: true }));
  const at = (...path: string[]) => ({
    uri: `${pathToFileURL(folder).href}/${path.join('/')}`,
    digest: digestOfText('{}'),
  });

  test('of the store is read', async () => {
    expect(await read(at('store', 'evidence.json'))).toBe('{}');
  });

  test.each([
    ['beside the store', ['secret'], 403],
    ['beside it by dots', ['store', '..', 'secret'], 403],
    ['beside it by escaped dots', ['store', '%2e%2e', 'secret'], 403],
    ['with a name that begins like it', ['store-beside'], 403],
    ['behind a link that a Job left', ['store', 'link'], 403],
    ['that is gone', ['store', 'nothing'], 404],
  ])('%s is refused', async (_where, path, status) => {
    await expect(read(at(...path))).rejects.toMatchObject({ status });
  });

  test('is refused where its content changed or it lies in another store', async () => {
    await expect(read({ ...at('store', 'evidence.json'), digest: digestOfText('[]') })).rejects.toMatchObject({
      status: 409,
    });
    await expect(read({ uri: 's3://bucket/evidence.json', digest: '' })).rejects.toMatchObject({ status: 404 });
  });
});
