import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { readSchedules } from '../../../../scripts/cli/schedule/schedule-files.ts';
import { specInput } from '../../../builders/specs.ts';
import { repository } from '../../../support/stack.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tuneline-schedules-'));
  await mkdir(join(folder, 'schedules'));
  await put('spec.json', specInput());
});
afterEach(() => rm(folder, { recursive: true }));

const put = (name: string, content: unknown): Promise<void> =>
  writeFile(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
const weekly = { id: 'weekly', spec: '../spec.json', cron: '0 3 * * 1' };
const refusal = () =>
  readSchedules([join(folder, 'schedules')]).then(
    () => 'none',
    (error: unknown) => (error as Error).message.replaceAll(folder, ''),
  );

test('a folder gives the schedules of its files, each with the spec that it has or names', async () => {
  await put('schedules/a.json', weekly);
  await put('schedules/b.json', { ...weekly, id: 'daily', spec: specInput({ model: 'another' }) });
  await put('schedules/notes.txt', 'not a schedule');
  expect(await readSchedules([join(folder, 'schedules')])).toMatchObject([
    { id: 'weekly', spec: specInput() },
    { id: 'daily', spec: { model: 'another' } },
  ]);
});

test('what is wrong in any of them is one message, a line for each field', async () => {
  await put('schedules/a.json', weekly);
  await put('schedules/b.json', { ...weekly, spec: 'nowhere.json', overlap: 'never' });
  await put('schedules/c.json', { ...weekly, id: 'c', spec: { ...specInput(), tune: { steps: 0 } } });
  await put('schedules/d.json', weekly);
  await put('schedules/e.json', '{');
  expect(await refusal()).toBe(
    [
      'Nothing was changed, for not all is right:',
      '  /schedules/b.json: overlap: expected one of skip, bufferOne, bufferAll, cancelOther, allowAll, got "never"',
      "  /schedules/b.json: spec: expected a JSON file, but /schedules/nowhere.json can't be read",
      '  /schedules/c.json: spec.tune.steps: expected a number of at least 1, got 0',
      '  /schedules/d.json: id: expected a name of its own, got that of /schedules/a.json',
      `  /schedules/e.json: file: expected JSON, but /schedules/e.json is none: ${expectedAtTheEnd}`,
      'hint: examples/schedules/package-summaries-weekly.json is a complete example.',
    ].join('\n'),
  );
});

test('a folder without any says so', async () => {
  expect(await refusal()).toMatch(/^There is no \.json file in \/schedules\.$/);
});

test('the example is right', async () => {
  expect(await readSchedules([join(repository, 'examples/schedules')])).toMatchObject([
    { id: 'package-summaries-weekly', spec: { model: 'package-summaries' } },
  ]);
});

/** In the words of the engine. */
const expectedAtTheEnd = (() => {
  try {
    return JSON.stringify(JSON.parse('{'));
  } catch (error) {
    return (error as Error).message;
  }
})();
