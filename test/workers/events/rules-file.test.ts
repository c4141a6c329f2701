import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import { openEvents } from '../../../workers/events/open.ts';
import { loadEventRules, readEventSpec } from '../../../workers/events/rules-file.ts';
import { ensureSecret, readSecret } from '../../../workers/secrets.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tuneline-rules-'));
});
afterAll(() => rm(folder, { recursive: true }));

const examples = fileURLToPath(new URL('../../../examples', import.meta.url));
const lifecycleOn = (spec: string) => ({
  rules: [{ when: { type: 'dev.tuneline.dataset.changed' }, start: 'lifecycle', spec }],
});

async function written(name: string, content: unknown): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

test('the rules that are checked in lead to specs that are there', async () => {
  const rules = await loadEventRules(join(examples, 'events/rules.json'));
  const specs = rules.flatMap((rule) => (rule.start === 'lifecycle' ? [rule.spec] : []));
  expect(new Set(specs)).toEqual(new Set([join(examples, 'specs/package-summaries.json')]));
  expect(await readEventSpec(specs[0] ?? '')).toMatchObject({ model: 'package-summaries', requester: 'event' });
});

test('a file that is missing, no JSON, or wrong in a field is refused in one clear error', async () => {
  await expect(loadEventRules(join(folder, 'none.json'))).rejects.toThrow(/^There is no file .*none\.json/);
  await expect(loadEventRules(await written('cut.json', '{"rules": ['))).rejects.toThrow(/cut\.json is not JSON/);
  await expect(
    loadEventRules(await written('wrong.json', { rules: [{ ...lifecycleOn('x').rules[0], start: 'deploy' }] })),
  ).rejects.toThrow(/rules\[0\]\.start: expected one of redeploy, lifecycle, got "deploy".*\nhint: /);
});

test('who asks for what an event starts is the event, unless the spec says', async () => {
  const spec = JSON.parse(await readFile(join(examples, 'specs/package-summaries.json'), 'utf8')) as object;
  expect(await readEventSpec(await written('nobody.json', spec))).toMatchObject({ requester: 'event' });
  expect(await readEventSpec(await written('ada.json', { ...spec, requester: 'ada' }))).toMatchObject({
    requester: 'ada',
  });
});

test('rules without a secret for any event are refused before anybody listens', async () => {
  const nowhere = (variable: string) => ({ variable, value: undefined, path: join(folder, 'none'), named: false });
  const connection = Connection.lazy({ address: '127.0.0.1:9' });
  const opening = openEvents(
    {
      rulesPath: join(examples, 'events/rules.json'),
      url: '',
      secrets: { mlflow: nowhere('FOR_MLFLOW'), signed: nowhere('FOR_OTHERS') },
    },
    new Client({ connection }),
    () => undefined,
  );
  await expect(opening).rejects.toThrow(
    /no secret that an event could be signed with\.\nhint: set FOR_MLFLOW .* FOR_OTHERS/,
  );
  await connection.close();
});

test('so is a spec that a rule leads to', async () => {
  await expect(loadEventRules(await written('nowhere.json', lifecycleOn('nowhere/spec.json')))).rejects.toThrow(
    /There is no file .*nowhere\/spec\.json/,
  );
  await written('spec.json', {
    ...(JSON.parse(await readFile(join(examples, 'specs/package-summaries.json'), 'utf8')) as object),
    gate: 'none',
  });
  await expect(loadEventRules(await written('badspec.json', lifecycleOn('spec.json')))).rejects.toThrow(
    /spec\.json.*\n {2}gate: expected a list/,
  );
});

test('a secret comes from the variable, else from the file; one that is short or was named in vain is refused, and never shown', async () => {
  const reference = { variable: 'SECRET', value: undefined, path: join(folder, 'secret'), named: false };
  expect(await readSecret(reference)).toBeUndefined();
  const made = await ensureSecret(reference);
  expect(made.length).toBeGreaterThanOrEqual(40);
  expect([await readSecret(reference), await ensureSecret(reference)]).toEqual([made, made]);
  expect(await readSecret({ ...reference, value: 'another that is long enough' })).toBe('another that is long enough');
  const short = await readSecret({ ...reference, value: 'hunter2' }).catch(String);
  expect(short).toMatch(/SECRET: expected a secret of at least 16 characters/);
  expect(short).not.toContain('hunter2');
  await expect(readSecret({ ...reference, path: join(folder, 'none'), named: true })).rejects.toThrow(
    /SECRET_FILE: the file .* can't be read/,
  );
});
