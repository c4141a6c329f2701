import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { marked, type Tokens } from 'marked';
import { neutralizeMentions } from '../../../scripts/report/neutralize-mentions.ts';
import { toMarkdownReport } from '../../../scripts/report/markdown.ts';
import type { Summary } from '../../../scripts/report/summary.ts';
import { awaitingReview, failedAtTune, refusedByGate, summary } from '../../builders/summary.ts';

test('a pull request hears the verdict, each rule with its interval, what it cost, and where there is more', () => {
  expect(toMarkdownReport(summary({ currency: 'EUR' }))).toBe(
    [
      '## summaries: promoted as version 3',
      '| gate | rule | finding |\n| --- | --- | --- |\n| pass | bleu at least 5 | 10 [9, 11] at 95 % |\n| pass | costPer1000Requests at most 2 (EUR) | 1.5, without spread |',
      'It took 1 h 2 min and 2 GPU-hours. 1,000 requests cost 1.5 EUR.',
      '| stage | time | GPU-hours |\n| --- | --- | --- |\n| explore | reused | – |\n| prepare | reused | – |\n| tune | 1 h 1 min | 2 |\n| evaluate | 1 min 0 s | – |',
      '- lifecycle weekly: <http://console.example/lifecycles/weekly>\n- Temporal: <http://temporal.example/namespaces/default/workflows/weekly>\n- MLflow: <http://mlflow.example/>\n- endpoint: <http://endpoint.example/>\n',
    ].join('\n\n'),
  );
});

test('what the gate missed comes first, and is never left out', () => {
  const passed = Array.from({ length: 80 }, (_, i) => ({ rule: `rule ${i}`, passed: true, finding: 'fine' }));
  const report = toMarkdownReport({ ...refusedByGate(), gate: [...passed, ...refusedByGate().gate] });
  expect(report).toContain(
    '## summaries: rejected, nothing was promoted\n\n| gate | rule | finding |\n| --- | --- | --- |\n| FAIL | rougeL at least 0.9 | 0.3 [0.2, 0.4] at 95 %; missed |\n| pass | rule 0 |',
  );
  expect(report).toContain('And 33 more rules');
});

test('a failure says why, and what awaits a review until when', () => {
  expect(toMarkdownReport(failedAtTune())).toContain(
    '## summaries: failed\n\ntune failed. BadData: row 7 has no "synopsis".\n',
  );
  expect(toMarkdownReport(awaitingReview())).toContain(
    '## summaries: awaiting a review\n\nawaits a review until 2030-01-01\n',
  );
});

test('a forge is told of nobody and nothing by what a model or a person wrote', () => {
  expect(
    neutralizeMentions('cc @ada and @org/team, see #12, org/repo#1, !3, ~bug, %"v1", GH-9, http://e.vil, www.e.vil'),
  ).not.toMatch(/@\w|#\d|!\d|~\w|%"|GH-\d|:\/\/|www\./);
  expect(neutralizeMentions('left \u202egnp.exe')).toBe('left gnp.exe');
  expect(neutralizeMentions('95 % of 10 [9, 11], p ≤ 0.05; f@ 1')).toBe('95 % of 10 [9, 11], p ≤ 0.05; f@ 1');
  expect(neutralizeMentions('x'.repeat(70_000)).length).toBeLessThan(2100);
});

test('whatever a reason or a finding says, the report keeps its shape', () => {
  const evil = fc.string({
    unit: fc.constantFrom(
      '@ada',
      '#',
      '|',
      '\n',
      '`',
      '<b>',
      '![x](http://e.vil)',
      '[x](http://e.vil)',
      '$',
      '/close',
      '-',
      '\\',
      ' ',
      'x',
      '***',
      '~~',
      'www.e.vil',
      'a@e.vil',
    ),
    maxLength: 10,
  });
  fc.assert(
    fc.property(evil, (text) => {
      const hostile: Summary = {
        ...failedAtTune(),
        reason: `x${text}`,
        gate: [{ rule: text, passed: false, finding: text }],
      };
      const tokens = marked.lexer(toMarkdownReport(hostile)).filter(({ type }) => type !== 'space');
      expect(tokens.map(({ type }) => type)).toEqual(['heading', 'paragraph', 'table', 'paragraph', 'table', 'list']);
      expect((tokens[2] as Tokens.Table).rows).toHaveLength(1);
      const found: string[] = [];
      void marked.walkTokens(tokens.slice(0, 5), ({ type }) => {
        found.push(type);
      });
      expect(
        found.filter((type) => ['image', 'link', 'html', 'codespan', 'strong', 'em', 'del'].includes(type)),
      ).toEqual([]);
    }),
    { numRuns: 500 },
  );
});
