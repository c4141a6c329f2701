import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { isGroupAlive } from '../../local/process-identity.ts';
import { readStackState } from '../../local/stack-state.ts';
import type { DemoSummary } from '../../scripts/demo/summary.ts';
import { repository } from '../support/stack.ts';

/** The demonstration as a person starts it: the real base model, real training twice, real requests all the while. */
const data = join(repository, 'examples/data/package-descriptions.jsonl');
let state: string;
let before: string;
let code: number | null;
let said: string;
let summary: DemoSummary;

beforeAll(async () => {
  state = await mkdtemp(join(tmpdir(), 'tuneline-demo-'));
  before = await readFile(data, 'utf8');
  const child = spawn('npm', ['run', '--silent', 'demo:drift', '--', '--exit', '--json'], {
    cwd: repository,
    env: { ...process.env, TUNELINE_STATE: state, NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  said = '';
  child.stdout.on('data', (part) => (stdout += String(part)));
  child.stderr.on('data', (part) => (said += String(part)));
  [code] = (await once(child, 'close')) as [number | null];
  if (stdout.trim() === '') throw new Error(`the demonstration said nothing on stdout:\n${said}`);
  summary = JSON.parse(stdout) as DemoSummary;
}, 1_800_000);
afterAll(() => rm(state, { recursive: true, force: true, maxRetries: 5 }));

test('it is promoted, by the lifecycle that the monitor started, and no client noticed', () => {
  expect({ code, reason: summary.reason, failures: summary.failures }).toEqual({
    code: 0,
    reason: undefined,
    failures: {},
  });
  expect(summary).toMatchObject({
    verdict: 'promoted',
    version: '2',
    workflowId: 'retrain-package-summaries-drift',
    failedRequests: 0,
  });
  expect(summary.releases).toEqual([
    { version: '1', workflowId: expect.stringMatching(/^package-summaries-drift-\d{14}$/) },
    { version: '2', workflowId: 'retrain-package-summaries-drift' },
  ]);
  const {
    'package-summaries-drift/1': first = 0,
    'package-summaries-drift/2': second = 0,
    ...others
  } = summary.answeredBy;
  expect([first + second, others]).toEqual([summary.requests, {}]);
  // Three windows of fifty, and what came while it trained, to the one; a canary's and a window's to the other.
  expect(first).toBeGreaterThan(150);
  expect(second).toBeGreaterThan(40);
});

test('what drifted was the input, not by chance, and it does not any more', () => {
  const { rule, because, before: usual, breached, after } = summary.drift ?? {};
  expect(rule).toMatchObject({ rule: 'inputDrift', then: 'retrain' });
  expect(because).toMatch(/promptEmbeddingDrift 0\.\d+, at most 0\.2 allowed/);
  expect(usual?.promptEmbeddingDrift).toBeLessThan(0.2);
  expect(breached).toMatchObject({ breached: true });
  expect(breached?.index).toBeGreaterThanOrEqual(2);
  expect(breached?.promptEmbeddingDrift).toBeGreaterThan(0.2);
  expect(after?.promptEmbeddingDrift).toBeLessThan(0.2);
});

test('its gate showed a gain over the model that served, and the canary went by steps', () => {
  const champion = summary.gate.find(({ rule }) => rule.startsWith('perplexity no worse than champion'));
  expect(champion).toMatchObject({ passed: true, finding: expect.stringMatching(/^difference from champion -/) });
  expect(summary.canary.map(({ percent }) => percent)).toEqual([25, 50]);
  expect(summary.stages.map(({ stage, reused }) => [stage, reused])).toEqual(
    ['explore', 'prepare', 'tune', 'evaluate'].map((stage) => [stage, false]),
  );
});

test("it leaves nothing running, and the repository's data as it was", async () => {
  const left = Object.entries(readStackState(join(state, 'demo-drift'))?.processes ?? {});
  expect(left.map(([name]) => name)).toEqual(expect.arrayContaining(['temporal', 'mlflow', 'endpoint', 'worker']));
  expect(left.filter(([, identity]) => isGroupAlive(identity))).toEqual([]);
  expect(await readFile(data, 'utf8')).toBe(before);
});
