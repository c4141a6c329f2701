import { describe, expect, test } from '@jest/globals';
import { toHtml, toMarkdown } from '../../../domain/report/document.ts';
import { modelCard, type ModelCardFacts } from '../../../domain/gate/model-card.ts';
import { artifact } from '../../builders/artifacts.ts';
import { between, evidenceOf, exactly, sliceOf } from '../../builders/evidence.ts';
import { inputs } from '../../builders/inputs.ts';
import { decided, reviewRecord } from '../../builders/reviews.ts';
import { aSpec } from '../../builders/specs.ts';

const facts = (change: Partial<ModelCardFacts> = {}): ModelCardFacts => ({
  version: '3',
  workflowId: 'weekly',
  spec: aSpec({ requester: 'Ada' }),
  inputs: inputs(),
  weights: artifact('model'),
  dataset: artifact('dataset'),
  evidence: evidenceOf({
    candidate: { bleu: between(9, 11), perplexity: between(20, 20.12345) },
    fromBase: { bleu: between(1, 3) },
  }),
  evidenceDigest: artifact('evidence').digest,
  ...change,
});

test('a card tells what was trained on what, how it was measured, who let it through, and every digest', () => {
  const verdict = {
    passed: true,
    findings: [{ rule: 'bleu at least 5', passed: true, finding: '10 [9, 11] at 95 %: meets at least 5' }],
  };
  const review = reviewRecord({
    decisions: [decided('Grace', 'approve', 'Reads well.')],
    comments: [{ author: 'Mary', text: 'Why so short?', at: '2030-01-01' }],
  });
  const card = toMarkdown(modelCard(facts({ verdict, review })));
  for (const words of [
    '# summaries version 3\n',
    'org/base, tuned by lora on data.jsonl in the lifecycle weekly, which Ada asked for.',
    '| learningRate | 0.0005 |',
    '| prompt | summarize/1 |',
    'On 16 held-out examples; intervals at 95 %, from 2000 bootstrap samples.',
    '| metric | candidate | base | candidate less base |\n| --- | --- | --- | --- |\n| bleu | 10 [9, 11] | – | 2 [1, 3] |\n| perplexity | 20.06 [20, 20.12] | – | – |',
    '| bleu at least 5 | yes | 10 [9, 11] at 95 %: meets at least 5 |',
    'Grace: approve — Reads well.\n- 2030-01-01 Mary — Why so short?',
    ...['data', 'dataset', 'base', 'code', 'model', 'evidence'].map((name) => artifact(name).digest),
    review.digest,
  ])
    expect(card).toContain(words);
});

describe('of the parts of the examples', () => {
  const parts = [
    sliceOf('short', { bleu: between(-1, 2), chrf: between(0, 1) }),
    sliceOf('a|b', { bleu: between(-4, -1), chrf: between(0, 1) }, 'source'),
  ];
  const measured = (rules: ModelCardFacts['spec']['gate']) =>
    toMarkdown(
      modelCard(facts({ spec: aSpec({ gate: rules }), evidence: evidenceOf({ fromChampion: {}, slices: parts }) })),
    );

  test('a card tells what the gate judges, each with its interval', () => {
    expect(measured([{ rule: 'atLeast', metric: 'bleu', value: 5 }])).toContain(
      [
        '## Slices',
        'Candidate less champion on parts of the held-out examples: a gain on the whole can hide a loss.',
        '| by | slice | examples | bleu |\n| --- | --- | --- | --- |\n| length | short | 8 | 0.5 [-1, 2] |\n| source | a\\|b | 8 | -2.5 [-4, -1] |',
      ].join('\n\n'),
    );
  });

  test('where it judges the whole alone, a card tells the first that is known', () => {
    expect(measured([{ rule: 'atMost', metric: 'modelBytes', value: 5 }])).toContain(
      '| by | slice | examples | bleu |',
    );
  });

  test('a card without slices has no table for them', () => {
    expect(toMarkdown(modelCard(facts({ evidence: evidenceOf({}) })))).not.toContain('Slices');
  });
});

test('a card tells how many attacks of each family succeeded on each model', () => {
  const tally = (succeeded: number) => ({ attacks: 12, succeeded });
  const attacks = {
    suite: 'attacks-1',
    digest: 'sha256:suite',
    families: { '<b>plea</b>': { base: tally(9), candidate: tally(2) }, leak: { base: tally(0), candidate: tally(0) } },
  };
  const card = modelCard(facts({ evidence: { ...evidenceOf({}), attacks } }));
  expect(toMarkdown(card)).toContain(
    '## Attacks\n\nHow many attacks of attacks-1 succeeded, of those made; fewer are better.\n\n| family | candidate | base |\n| --- | --- | --- |\n| &lt;b>plea&lt;/b> | 2 of 12 | 9 of 12 |\n| leak | 0 of 12 | 0 of 12 |',
  );
  expect(toHtml(card)).toContain('<td>&lt;b&gt;plea&lt;/b&gt;</td><td>2 of 12</td><td>9 of 12</td>');
  expect(toMarkdown(modelCard(facts()))).not.toContain('Attacks');
});

test('a cost has its currency behind it in a card', () => {
  const finding = {
    rule: 'costPer1000Requests at most 2',
    metric: 'costPer1000Requests' as const,
    passed: true,
    finding: '1',
  };
  const change = {
    evidence: evidenceOf({ candidate: { costPer1000Requests: exactly(1) } }),
    verdict: { passed: true, findings: [finding] },
  };
  const inEuro = facts({ ...change, spec: aSpec({ evaluate: { examples: 16, costPerHour: 3, currency: 'EUR' } }) });
  for (const words of ['| costPer1000Requests (EUR) |', '| costPer1000Requests at most 2 (EUR) |'])
    expect(toMarkdown(modelCard(inEuro))).toContain(words);
  expect(toMarkdown(modelCard(facts(change)))).not.toContain('(EUR)');
});

test('where the gate alone decided, a card says so', () => {
  expect(toMarkdown(modelCard(facts()))).toContain('## Review\n\nThe gate alone decided.\n');
});

describe('what people and data say is text in a card, and never markup', () => {
  const comment = '<script>x</script> "[click](https://evil)" | **cell**\n# heading & `code`';
  const card = modelCard(
    facts({ review: reviewRecord({ decisions: [decided('Grace', 'approve', comment)] }), workflowId: '<b>' }),
  );

  test('as Markdown', () => {
    expect(toMarkdown(card)).toContain(
      '&lt;script>x&lt;/script> "[click]\\(https://evil)" \\| \\*\\*cell\\*\\* # heading &amp; \\`code\\`',
    );
  });

  test('as HTML, which loads and runs nothing', () => {
    const html = toHtml(card);
    expect(html).toContain(
      '&lt;script&gt;x&lt;/script&gt; &quot;[click](https://evil)&quot; | **cell**\n# heading &amp; `code`</li>',
    );
    expect(html).toContain('in the lifecycle &lt;b&gt;,');
    expect(new Set(html.match(/<[a-z]\w*/g))).toEqual(
      new Set(['<html', '<meta', '<title', '<style', '<h1', '<h2', '<p', '<ul', '<li', '<table', '<tr', '<th', '<td']),
    );
    expect(html).not.toMatch(/ (src|href|on\w+)=/);
  });
});
