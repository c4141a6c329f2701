import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createToken, readTokens, revokeTokens } from '../../../workers/console/access.ts';
import { repository } from '../../support/stack.ts';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tuneline-access-'));
  path = join(folder, 'tokens.json');
});
afterEach(() => rm(folder, { recursive: true }));

/** Runs lines of a module in a process of its own; resolves with how it ended. */
async function inProcess(code: string): Promise<number | NodeJS.Signals | null> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', code], {
    cwd: repository,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [exitCode, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  return signal ?? exitCode;
}

const ada = { name: 'ada', roles: ['reviewer'] };

test('of tokens that many processes make at once, none is lost', async () => {
  const creating = (process: number) => `
    const { createToken } = await import('./workers/console/access.ts');
    for (let n = 0; n < 25; n++) await createToken(${JSON.stringify(path)}, { name: 'p${process} ' + n, roles: ['reviewer'] });`;
  expect(await Promise.all([0, 1, 2, 3].map((process) => inProcess(creating(process))))).toEqual([0, 0, 0, 0]);
  const names = (await readTokens(path)).map(({ name }) => name);
  expect(new Set(names).size).toBe(100);
  expect(names).toHaveLength(100);
});

test('nor are those that one process makes at once', async () => {
  await Promise.all(Array.from({ length: 20 }, () => createToken(path, ada)));
  expect(await readTokens(path)).toHaveLength(20);
});

test('who is killed while it changes the file keeps nobody from the next change', async () => {
  await createToken(path, ada);
  const dying = `
    const { writeFileSync } = await import('node:fs');
    const { whileLocked } = await import('./local/file-lock.ts');
    whileLocked(${JSON.stringify(`${path}.lock`)}, () => {
      writeFileSync(${JSON.stringify(`${path}.new`)}, '[');
      process.kill(process.pid, 'SIGKILL');
      for (;;);
    });`;
  expect(await inProcess(dying)).toBe('SIGKILL');
  await createToken(path, { ...ada, name: 'grace' });
  expect((await readTokens(path)).map(({ name }) => name)).toEqual(['ada', 'grace']);
  expect(await revokeTokens(path, 'ada')).toBe(1);
  expect((await readdir(folder)).filter((name) => name.endsWith('.new'))).toEqual([]);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test('a file that can not be changed is named in a sentence, with a way out', async () => {
  await writeFile(join(folder, 'file'), '');
  await expect(createToken(join(folder, 'file', 'tokens.json'), ada)).rejects.toThrow(
    /^The tokens file \S+ can't be changed: .+\.\nhint: TUNELINE_TOKENS names another/,
  );
  // A folder that is there and takes no file, even from root.
  await expect(createToken('/proc/tokens.json', ada)).rejects.toThrow(
    /^The tokens file \/proc\/tokens\.json can't be changed: .+\.\nhint: /,
  );
});
