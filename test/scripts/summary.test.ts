import { expect, test } from '@jest/globals';
import { exitCodeOf } from '../../scripts/up.ts';
import { showSummary, type Summary } from '../../scripts/summary.ts';

const summary = (change: Partial<Summary> = {}): Summary => ({
  workflowId: 'weekly',
  verdict: 'rejected',
  gate: [
    { rule: 'costPer1000Requests at most 2', metric: 'costPer1000Requests', passed: false, finding: '2.5, without spread' },
    { rule: 'bleu at least 5', metric: 'bleu', passed: true, finding: '10 [9, 11] at 95 %' },
  ],
  stages: [],
  seconds: 3,
  addresses: { lifecycle: '', startAnother: '', mlflow: '', endpoint: '', console: '' },
  ...change,
});

test('a cost has its currency behind it, and nothing else has', () => {
  expect(showSummary(summary({ currency: 'EUR' }))).toContain('  FAIL  costPer1000Requests at most 2 (EUR)\n        2.5, without spread\n  pass  bleu at least 5\n');
});

test('one that ended unchanged says which version serves', () => {
  expect(showSummary(summary({ verdict: 'unchanged', model: 'summaries', version: '7', gate: [] }))).toContain('unchanged: it would only have come to summaries version 7, which serves, after 3 s\n\nTemporal');
  expect(exitCodeOf(summary({ verdict: 'unchanged' }))).toBe(0);
});

test('where nobody told the currency, none is guessed', () => {
  expect(showSummary(summary())).toContain('  FAIL  costPer1000Requests at most 2\n');
});
