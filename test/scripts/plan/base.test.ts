import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { digestOfText } from '../../../domain/digest.ts';
import { openBase } from '../../../scripts/plan/base.ts';

let repository: string;
const git = (...args: readonly string[]) =>
  execFileSync('git', ['-C', repository, '-c', 'user.name=ada', '-c', 'user.email=ada@example.org', ...args]);
beforeAll(async () => {
  repository = await mkdtemp(join(tmpdir(), 'tuneline-base-'));
  git('init', '-q', '-b', 'main');
  await mkdir(join(repository, 'specs'));
  await writeFile(join(repository, 'specs', 'a.json'), 'as it was');
  git('add', '.');
  git('commit', '-qm', 'first');
  await writeFile(join(repository, 'specs', 'a.json'), 'as it is');
  await writeFile(join(repository, 'specs', 'b.json'), 'not committed');
});
afterAll(() => rm(repository, { recursive: true }));

test('a file is read as it was at the revision, from wherever it lies', async () => {
  const spec = join(repository, 'specs', 'a.json');
  const base = await openBase('main', spec);
  expect(base.revision).toMatch(/^[0-9a-f]{12}$/);
  expect(await base.readText(spec)).toBe('as it was');
  expect(await base.digest(spec)).toBe(digestOfText('as it was'));
});

test('what Git does not have there is not there', async () => {
  const base = await openBase('HEAD', join(repository, 'specs', 'a.json'));
  for (const path of [join(repository, 'specs', 'b.json'), join(tmpdir(), 'elsewhere.json')])
    expect([await base.readText(path), await base.digest(path)]).toEqual([undefined, undefined]);
});

test.each(['nowhere', '--output=/tmp/x', 'HEAD:specs/a.json'])(
  'a revision such as %s is refused in one sentence',
  async (ref) => {
    await expect(openBase(ref, join(repository, 'specs', 'a.json'))).rejects.toThrow(`Git knows no ${ref} where`);
  },
);
