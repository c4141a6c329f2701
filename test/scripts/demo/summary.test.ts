import { expect, test } from '@jest/globals';
import { exitCodeOfDemo, showDemo, type DemoSummary } from '../../../scripts/demo/summary.ts';
import { failedAtTune, refusedByGate, summary } from '../../builders/summary.ts';

const window = (index: number, promptEmbeddingDrift: number, breached = false) => ({
  index,
  requests: 54,
  promptEmbeddingDrift,
  promptLengthDrift: 0,
  breached,
});
const demo = (change: Partial<DemoSummary> = {}): DemoSummary => ({
  ...summary(),
  ...{ requests: 300, failedRequests: 0, failures: {}, answeredBy: { 'summaries/1': 250, 'summaries/2': 50 } },
  drift: {
    rule: { rule: 'inputDrift', lengths: 0.25, embeddings: 0.3, then: 'retrain' },
    because: 'promptEmbeddingDrift 0.71, at most 0.3 allowed',
    before: window(0, 0.05),
    breached: window(2, 0.71, true),
    after: window(0, 0.04),
  },
  releases: [
    { version: '1', workflowId: 'first' },
    { version: '2', workflowId: 'retrain-summaries' },
  ],
  canary: [
    { percent: 25, findings: [] },
    { percent: 50, findings: [] },
  ],
  ...change,
});

test.each<[string, DemoSummary, number]>([
  ['promoted, and no client noticed', demo(), 0],
  ['promoted, but a client noticed', demo({ failedRequests: 1, failures: { ECONNRESET: 1 } }), 1],
  ['refused by the gate', demo(refusedByGate()), 2],
  ['refused by the gate, and a client noticed', demo({ ...refusedByGate(), failedRequests: 1 }), 2],
  ['broken', demo(failedAtTune()), 1],
])('%s: its exit code', (_what, told, code) => {
  expect(exitCodeOfDemo(told)).toBe(code);
});

test('the summary says what drifted, who trained what, how the canary went and what clients saw', () => {
  const shown = showDemo(demo({ failedRequests: 2, failures: { ECONNRESET: 2 } }));
  for (const line of [
    'drift     promptEmbeddingDrift 0.71, at most 0.3 allowed',
    '          embeddings 0.05 before, 0.71 when it was breached, 0.04 after the release',
    'releases  version 1 by first, version 2 by retrain-summaries',
    'canary    25 %, 50 %, then all',
    'clients   300 requests, 2 failed (ECONNRESET 2); summaries/1 answered 250, summaries/2 answered 50',
  ])
    expect(shown.split('\n')).toContain(line);
});
