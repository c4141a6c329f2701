import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { spend, type Allowance } from '../../domain/serving/rate-limit.ts';
import { defaultServing } from '../../domain/serving/serving-settings.ts';
import { createToken, revokeTokens } from '../../workers/console/access.ts';
import { createApiKeys } from '../../workers/api-keys.ts';
import { chat, deploy, errorOf, openEndpoint, releaseOf, trial } from '../support/endpoint-lab.ts';
import { until } from '../support/until.ts';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tuneline-keys-'));
  path = join(folder, 'api-keys.json');
});
afterEach(() => rm(folder, { recursive: true }));

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

test('once there is a key, nobody asks without one', async () => {
  const key = await createToken(path, { name: 'ada', roles: [] });
  const { host, url } = await openEndpoint(undefined, { keys: createApiKeys(path) });
  await deploy(host, '1');
  for (const headers of [
    undefined,
    bearer(''),
    bearer(`${key}x`),
    { authorization: key },
    { authorization: `Basic ${key}` },
  ]) {
    const answer = await chat(url, {}, headers);
    expect(answer.status).toBe(401);
    expect(await errorOf(answer)).toMatchObject({ type: 'authentication_error', code: 'invalid_api_key' });
    expect((await fetch(`${url}/v1/feedback`, { method: 'POST', headers })).status).toBe(401);
    expect((await fetch(`${url}/v1/models`, headers ? { headers } : {})).status).toBe(401);
  }
  expect((await chat(url, {}, bearer(key))).status).toBe(200);
  // Whoever looks after it needs none.
  for (const route of ['healthz', 'readyz', 'metrics']) expect((await fetch(`${url}/${route}`)).status).toBe(200);
});

test('a key that is revoked is worth nothing soon, and that it was the last one opens no door', async () => {
  const key = await createToken(path, { name: 'ada', roles: [] });
  const keys = createApiKeys(path);
  expect([keys.areNeeded(), keys.nameOf(key)]).toEqual([true, 'ada']);
  await revokeTokens(path, 'ada');
  await until(() => Promise.resolve(keys.nameOf(key) === undefined));
  await rm(path);
  const later = await createToken(join(folder, 'other.json'), { name: 'grace', roles: [] });
  expect([keys.areNeeded(), keys.nameOf(later)]).toEqual([true, undefined]);
});

test('no file, no keys; a file of another kind is said to be one', async () => {
  expect(createApiKeys(path).areNeeded()).toBe(false);
  await writeFile(path, '{}');
  expect(() => createApiKeys(path)).toThrow('must hold a JSON array');
});

test('each key has its own rate, and is told when to come again', async () => {
  const [ada, grace] = [
    await createToken(path, { name: 'ada', roles: [] }),
    await createToken(path, { name: 'grace', roles: [] }),
  ];
  const { host, url } = await openEndpoint(undefined, { keys: createApiKeys(path) });
  const release = releaseOf('1', { serving: { ...defaultServing, requestsPerMinute: 2 } });
  await host.prepare(release, trial);
  await host.setTraffic('summaries', [{ release, percent: 100 }]);
  const statuses = [];
  for (const key of [ada, ada, ada, grace]) statuses.push((await chat(url, {}, bearer(key))).status);
  expect(statuses).toEqual([200, 200, 429, 200]);
  const answer = await chat(url, {}, bearer(ada));
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(await errorOf(answer)).toMatchObject({
    type: 'rate_limit_error',
    message: expect.stringContaining('ada may ask summaries 2 times a minute'),
  });
});

test('whatever the pace, no minute has more than twice the rate, and who waits as told is let in', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 50 }),
      fc.array(fc.integer({ min: 0, max: 5000 }), { maxLength: 200 }),
      (rate, gapsMs) => {
        let allowance: Allowance | undefined;
        let nowMs = 0;
        const admittedMs: number[] = [];
        for (const gapMs of gapsMs) {
          nowMs += gapMs;
          const spent = spend(allowance, rate, nowMs);
          if (spent.ok) {
            allowance = spent.allowance;
            admittedMs.push(nowMs);
          } else expect(spend(allowance, rate, nowMs + spent.retryAfterSeconds * 1000).ok).toBe(true);
        }
        for (const fromMs of admittedMs)
          expect(admittedMs.filter((ms) => ms >= fromMs && ms < fromMs + 60_000).length).toBeLessThanOrEqual(2 * rate);
      },
    ),
  );
});

test('an hour of silence saves up no more than a minute of requests', () => {
  const first = spend(undefined, 5, 0);
  let allowance = first.ok ? first.allowance : undefined;
  let admitted = 0;
  for (let n = 0; n < 20; n++) {
    const spent = spend(allowance, 5, 3_600_000);
    if (spent.ok) [allowance, admitted] = [spent.allowance, admitted + 1];
  }
  expect(admitted).toBe(5);
});
