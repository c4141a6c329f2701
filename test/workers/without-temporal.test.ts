import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { repository } from '../support/stack.ts';

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'tuneline-alone-'))));
afterAll(() => rm(folder, { recursive: true }));

test.each(['worker', 'console'])('the %s says in a sentence that Temporal does not answer', async (name) => {
  const env = { TUNELINE_HOME: folder, TEMPORAL_ADDRESS: '127.0.0.1:9', MLFLOW_TRACKING_URI: 'http://127.0.0.1:9' };
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', join(repository, `workers/${name}.ts`)],
    { env, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'exit') as Promise<[number | null]>]);
  expect(code).toBe(1);
  expect(said).toContain(
    'error: Temporal does not answer at 127.0.0.1:9.\nhint: check your temporal.toml profile or TEMPORAL_ADDRESS\n',
  );
  expect(said).not.toContain('    at ');
});
