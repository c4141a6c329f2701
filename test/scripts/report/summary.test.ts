import { expect, test } from '@jest/globals';
import { exitCodeOf, showSummary, type Summary } from '../../../scripts/report/summary.ts';
import { awaitingReview, summary } from '../../builders/summary.ts';

test('a cost has its currency behind it, and nothing else has', () => {
  expect(showSummary(summary({ currency: 'EUR' }))).toContain(
    '  pass  bleu at least 5\n        10 [9, 11] at 95 %\n  pass  costPer1000Requests at most 2 (EUR)\n        1.5, without spread',
  );
});

test('one that ended unchanged says which version serves', () => {
  expect(showSummary(summary({ verdict: 'unchanged', model: 'summaries', version: '7', gate: [] }))).toContain(
    'unchanged: it would only have come to summaries version 7, which serves, after 3725 s\n',
  );
});

test('one that would only have come to what was refused says why that was', () => {
  expect(
    showSummary(
      summary({
        verdict: 'unchanged',
        model: 'summaries',
        version: '8',
        gate: [],
        reason: 'Version 8 was refused: it is rude',
      }),
    ),
  ).toContain(
    'unchanged: it would only have come to summaries version 8 again, after 3725 s\nVersion 8 was refused: it is rude\n',
  );
});

test('where nobody told the currency, none is guessed', () => {
  expect(showSummary(summary())).toContain('  pass  costPer1000Requests at most 2\n');
});

test.each([
  ['promoted', 0],
  ['unchanged', 0],
  ['failed', 1],
  ['rejected', 2],
  ['awaitingReview', 3],
] satisfies [Summary['verdict'], number][])('what is %s ends with exit code %i', (verdict, code) => {
  expect(exitCodeOf({ verdict })).toBe(code);
});

test('what awaits a review says so, and until when', () => {
  expect(showSummary(awaitingReview())).toContain(
    'awaiting a review: nothing is promoted yet, after 3725 s\nawaits a review until 2030-01-01\n',
  );
});

test("without an address of Temporal's UI there is no link that leads nowhere", () => {
  const { lifecycle: _unknown, ...addresses } = summary().addresses;
  expect(showSummary(summary({ addresses }))).not.toContain('Temporal');
  expect(showSummary(summary())).toContain('Temporal  http://temporal.example/namespaces/default/workflows/weekly\n');
});
