import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { buildCacheFolder, makeBuildCache, removeBuildCache } from '../../../scripts/dev/build-cache.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tuneline-builds-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test.each<[string, NodeJS.ProcessEnv, NodeJS.Platform, string]>([
  ['Linux', { HOME: '/home/ada' }, 'linux', '/home/ada/.cache/tuneline/builds'],
  [
    'Linux with XDG_CACHE_HOME',
    { HOME: '/home/ada', XDG_CACHE_HOME: '/var/cache/ada' },
    'linux',
    '/var/cache/ada/tuneline/builds',
  ],
  ['macOS', { HOME: '/Users/ada' }, 'darwin', '/Users/ada/Library/Caches/tuneline/builds'],
])('builds are kept in the cache folder of %s', (_platform, env, platform, expected) => {
  expect(buildCacheFolder(env, platform)).toBe(expected);
});

test('the builds are removed with what lies beside them in their folder', async () => {
  const builds = await makeBuildCache(join(folder, 'builds'));
  await mkdir(join(builds, 'kueue'));
  expect(await removeBuildCache(builds)).toBe(`removed ${builds}`);
  expect(existsSync(builds)).toBe(false);
  expect(await removeBuildCache(builds)).toBe(`nothing to remove: there is no ${builds}`);
});

test('a folder that Tuneline did not make is left alone', async () => {
  await writeFile(join(folder, 'thesis.txt'), 'mine');
  await expect(removeBuildCache(folder)).rejects.toThrow(/so Tuneline did not make it/);
  expect(existsSync(join(folder, 'thesis.txt'))).toBe(true);
});
