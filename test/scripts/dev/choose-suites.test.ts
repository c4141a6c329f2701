import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { afterRun, orderForCi, type RunsSince } from '../../../scripts/dev/choose-suites.ts';
import { suites, type Suite } from '../../../scripts/dev/suites.ts';
import { repository } from '../../support/stack.ts';

const suite = (name: string, sources: readonly string[] = []): Suite => ({
  name,
  group: 'e2e',
  lane: 'waits',
  seconds: 60,
  sources,
});
const three = [suite('a', ['k8s/']), suite('b', ['serving/']), suite('c', ['domain/job'])];
const order = (changed: readonly string[], since: RunsSince = {}): string[] =>
  orderForCi(three, changed, since).map(({ name }) => name);

test('suites whose sources changed run first', () => {
  expect(order(['serving/chat.ts'])).toEqual(['b', 'a', 'c']);
  expect(order(['domain/job/failure.ts', 'README.md'])).toEqual(['c', 'a', 'b']);
});

test('without a change the suite that has waited longest runs first', () => {
  expect(order([], { a: 0, b: 1, c: 1 })).toEqual(['b', 'c', 'a']);
});

test('a suite that was left out twice runs before those whose sources changed', () => {
  expect(order(['k8s/client.ts'], { a: 0, b: 0, c: 2 })).toEqual(['c', 'a', 'b']);
});

test('a run of CI counts for the suites that it ran, and is missed by the others', () => {
  expect(afterRun(three, new Set(['b']), { a: 1, b: 1 })).toEqual({ a: 2, b: 0, c: 1 });
});

test('where only one suite fits into each run, each still runs once in three runs, whatever changes', () => {
  let since: RunsSince = {};
  const ran: string[] = [];
  for (let run = 0; run < 12; run++) {
    const [first] = orderForCi(three, ['k8s/client.ts'], since);
    ran.push(first?.name ?? '');
    since = afterRun(three, new Set([first?.name ?? '']), since);
  }
  for (let run = 3; run < 10; run++) expect(new Set(ran.slice(run, run + 3))).toEqual(new Set(['a', 'b', 'c']));
});

test('every suite of Jest asks for test files that exist, and no name is used twice', () => {
  expect(new Set(suites.map(({ name }) => name)).size).toBe(suites.length);
  const paths = suites.flatMap(({ jest = [] }) => jest.filter((argument) => argument.startsWith('test/')));
  expect(paths.length).toBeGreaterThan(20);
  const isThere = (path: string): boolean =>
    existsSync(join(repository, path)) || existsSync(join(repository, `${path}.ts`));
  expect(paths.filter((path) => !isThere(path))).toEqual([]);
});
