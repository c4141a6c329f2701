import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { repository } from '../support/stack.ts';

test('of a thousand Jobs at once none is doubled, reported twice or left behind', async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['scripts/bench/jobs.ts', '--jobs', '1000', '--json'],
    { cwd: repository, env: { ...process.env, NODE_OPTIONS: '' } },
  );
  expect(JSON.parse(stdout)).toMatchObject({ jobs: 1000, duplicates: 0, orphans: 0 });
});
