import { expect, test } from '@jest/globals';
import { runSuites, summarize } from '../../../scripts/dev/run-suites.ts';
import type { Suite } from '../../../scripts/dev/suites.ts';
import { repository } from '../../support/stack.ts';

const folders = { repository, home: `${repository}/.tuneline`, state: `${repository}/.tuneline/state` };
const env = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '' };
const suite = (name: string, path: string): Suite => ({
  ...{ name, group: 'default', lane: 'computes', jest: [path], seconds: 1, sources: [] },
});

test('a suite that runs no test counts as one failure and says why; one that may not start is left out', async () => {
  const suites = [
    suite('small', 'test/scripts/dev/counts'),
    suite('empty', 'no/such/test'),
    suite('late', 'test/domain'),
  ];
  const results = await runSuites(suites, { folders, env, mayStart: ({ name }) => name !== 'late' });
  expect(results).toMatchObject([
    { name: 'small', passed: 3, failed: 0 },
    { name: 'empty', passed: 0, failed: 1, broke: 'it ended with code 1 after 0 tests' },
  ]);
  const { lines, counts } = summarize(results);
  expect(counts).toEqual({ passed: 3, failed: 1, skipped: 0 });
  expect(lines.find((line) => line.startsWith('empty'))).toMatch(/0 passed, 1 failed, \d+ s; it ended with code 1/);
});
