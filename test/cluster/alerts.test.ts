import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { loadYaml } from '@kubernetes/client-node';
import { repository } from '../support/stack.ts';
import { startTimeoutMs } from './support/cluster.ts';
import { buildPromtool } from './support/promtool.ts';

/** The alerts in `examples/monitoring`, by Prometheus itself. Among the clusters' tests, for what builds those builds it, too. */

const rules = 'alerts.yaml';
const tests = 'alerts.test.yaml';
interface Tried {
  readonly alertname: string;
  readonly exp_alerts?: readonly object[];
}

let promtool: string;
let folder: string;
beforeAll(async () => {
  promtool = await buildPromtool({ env: process.env, report: (message) => process.stderr.write(`${message}\n`) });
  folder = await mkdtemp(join(tmpdir(), 'tuneline-alerts-'));
  await cp(join(repository, 'examples/monitoring'), folder, { recursive: true });
}, startTimeoutMs);
afterAll(() => rm(folder, { recursive: true, force: true }));

const read = (file: string): Promise<string> => readFile(join(folder, file), 'utf8');

/** What Prometheus finds wrong; empty where each alert goes off when its tests say so, and not before. */
const findings = (): Promise<string> =>
  new Promise((resolve) => {
    execFile(promtool, [tests], { cwd: folder }, (error, _, said) => resolve(error ? said || error.message : ''));
  });

test('each alert goes off where it should, and not before', async () => {
  expect(await findings()).toBe('');
});

test('each alert is tried both ways', async () => {
  const { groups } = loadYaml<{ groups: readonly { rules: readonly { alert: string }[] }[] }>(await read(rules));
  const tried = loadYaml<{ tests: readonly { alert_rule_test: readonly Tried[] }[] }>(await read(tests)).tests.flatMap(
    (one) => one.alert_rule_test,
  );
  const named = (goesOff: boolean) =>
    [
      ...new Set(
        tried.filter(({ exp_alerts = [] }) => exp_alerts.length > 0 === goesOff).map(({ alertname }) => alertname),
      ),
    ].toSorted();
  const alerts = groups.flatMap((group) => group.rules.map(({ alert }) => alert)).toSorted();
  expect(named(true)).toEqual(alerts);
  expect(named(false)).toEqual(alerts);
});

test('a threshold that is moved is noticed', async () => {
  const written = await read(rules);
  await writeFile(join(folder, rules), written.replace('> 0.01', '> 0.1'));
  expect(await findings()).toContain('TunelineEndpointFails');
  await writeFile(join(folder, rules), written);
});
