import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { repository } from '../support/stack.ts';

const read = (path: string): string => readFileSync(join(repository, path), 'utf8');
const named = [...read('docs/kubernetes-jobs.md').matchAll(/`([^`]+) › ([^`]+)`/g)].map(([, file = '', title = '']) => ({ file, title })).filter(({ file }) => file !== 'file');

test('each row of the table names tests', () => {
  const rows = read('docs/kubernetes-jobs.md').split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| concern'));
  expect(rows.length).toBeGreaterThan(15);
  for (const row of rows) expect(row).toMatch(/ › /);
});

test.each(named)('$file has a test "$title"', ({ file, title }) => {
  expect(read(file)).toContain(title);
});
