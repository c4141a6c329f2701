import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { freePort } from '../../local/ports.ts';
import { createToken } from '../../workers/console/access.ts';
import { ensureSearchAttributes } from '../../workers/search-attributes.ts';
import { repository } from '../support/stack.ts';
import { startDevServer, temporalVariables } from '../support/temporal.ts';

let temporal: TestWorkflowEnvironment;
let folder: string;
let console: ChildProcess | undefined;
beforeAll(async () => {
  temporal = await startDevServer();
  await ensureSearchAttributes(temporal.client);
  folder = await mkdtemp(join(tmpdir(), 'tuneline-console-'));
});
afterEach(() => void console?.kill('SIGKILL'));
afterAll(async () => {
  await temporal.teardown();
  await rm(folder, { recursive: true });
});

test.each(['127.0.0.1', '[::1]'])(
  'the console at %s serves, and ends when told, where it may write nothing and start nothing',
  async (host) => {
    const tokensPath = join(folder, `${host}.json`);
    const token = await createToken(tokensPath, { name: 'grace', roles: ['reviewer'] });
    const url = `http://${host}:${await freePort()}`;
    const env = {
      TUNELINE_HOME: join(folder, 'home'),
      TUNELINE_TOKENS: tokensPath,
      TUNELINE_CONSOLE_URL: url,
      ...temporalVariables(temporal),
      MLFLOW_TRACKING_URI: 'http://127.0.0.1:9',
    };
    // Node itself refuses these, also to root: writing a file, starting a process, loading native code.
    const restricted = ['--permission', '--allow-fs-read=*', '--disable-warning=ExperimentalWarning'];
    console = spawn(process.execPath, [...restricted, join(repository, 'workers/console.ts')], {
      cwd: repository,
      env,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const ended = once(console, 'exit');
    expect(await Promise.race([once(console, 'message'), ended])).toEqual(['ready', undefined]);

    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect(await (await fetch(url)).text()).toContain('<html');
    const session = (authorization: string) => fetch(`${url}/api/session`, { headers: { authorization } });
    expect((await session('Bearer a-guess')).status).toBe(401);
    expect(await (await session(`Bearer ${token}`)).json()).toEqual({ name: 'grace', roles: ['reviewer'] });
    expect((await fetch(`${url}/api/lifecycles`, { headers: { authorization: `Bearer ${token}` } })).status).toBe(200);

    console.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
    expect((await readdir(folder)).filter((name) => name === 'home')).toEqual([]);
  },
);
