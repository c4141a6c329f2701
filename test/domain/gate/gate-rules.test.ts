import { describe, expect, test } from '@jest/globals';
import type { Difference, Figure } from '../../../domain/gate/evidence.ts';
import type { Rule } from '../../../domain/spec/gate-rules.ts';
import { between, evidenceOf } from '../../builders/evidence.ts';
import { type Directed, onlyFinding } from './only-finding.ts';

describe('betterThanBase wants the whole gain shown', () => {
  test.each<[Directed, Figure, boolean]>([
    ['bleu', between(2, 4), true],
    ['bleu', between(1.9, 4), false],
    ['bleu', between(-4, -2), false],
    ['perplexity', between(-4, -2), true],
    ['perplexity', between(-4, -1.9), false],
    ['perplexity', between(2, 4), false],
    ['latencyP50Ms', between(-4, -2), true],
    ['latencyP95Ms', between(2, 4), false],
    ['tokensPerSecond', between(2, 4), true],
  ])('%s by at least 2', (metric, difference, passed) => {
    const evidence = evidenceOf({ fromBase: { [metric]: difference } });
    expect(onlyFinding({ rule: 'betterThanBase', metric, byAtLeast: 2 }, evidence).passed).toBe(passed);
  });
});

describe('noWorseThanChampion tolerates a loss of so much and no more', () => {
  test.each<[Directed, Figure, boolean]>([
    ['bleu', between(-1, 3), true],
    ['bleu', between(-1.1, 3), false],
    ['perplexity', between(-3, 1), true],
    ['perplexity', between(-3, 1.1), false],
  ])('%s by 1', (metric, difference, passed) => {
    const evidence = evidenceOf({ fromChampion: { [metric]: difference } });
    expect(onlyFinding({ rule: 'noWorseThanChampion', metric, byMoreThan: 1 }, evidence).passed).toBe(passed);
  });

  const noLoss: Rule = { rule: 'noWorseThanChampion', metric: 'bleu', byMoreThan: 0 };

  test('without a champion the base model stands in, and the finding says so', () => {
    const finding = onlyFinding(noLoss, evidenceOf({ fromBase: { bleu: between(1, 2) } }));
    expect(finding).toMatchObject({
      passed: true,
      finding: expect.stringMatching(/^difference from base .* shown: no loss/),
    });
  });

  test('a champion is not outvoted by a good difference from the base model', () => {
    const finding = onlyFinding(
      noLoss,
      evidenceOf({ fromBase: { bleu: between(1, 2) }, fromChampion: { bleu: between(-2, -1) } }),
    );
    expect(finding).toMatchObject({ passed: false, finding: expect.stringContaining('difference from champion') });
  });

  test('a champion that was evaluated but not compared is unknown, not absent', () => {
    const whole = evidenceOf({ fromBase: { bleu: between(1, 2) }, fromChampion: {} });
    const { champion: _lost, ...differences } = whole.differences;
    expect(onlyFinding(noLoss, { ...whole, differences })).toMatchObject({ passed: false });
  });
});

describe('the gate decides exactMatch without a margin by the pairs that disagree', () => {
  const withPairs = (pCandidateBetter: number): Difference => ({
    ...between(1, 2),
    mcnemar: { candidateOnly: 9, referenceOnly: 1, pCandidateBetter, pTwoSided: 2 * pCandidateBetter },
  });
  const evidence = (p: number) =>
    evidenceOf({ fromChampion: { exactMatch: withPairs(p) }, fromBase: { exactMatch: withPairs(p) } });

  test.each<[Rule, number, boolean, number]>([
    [{ rule: 'noWorseThanChampion', metric: 'exactMatch', byMoreThan: 0 }, 0.011, true, 0.011],
    [{ rule: 'betterThanBase', metric: 'exactMatch', byAtLeast: 0 }, 0.03, false, 0.03],
    [{ rule: 'noWorseThanChampion', metric: 'exactMatch', byMoreThan: 0.5 }, 0.9, true, 0.00001],
    [{ rule: 'noWorseThanChampion', metric: 'exactMatch', byMoreThan: 0 }, Number.NaN, false, 1],
  ])('%j with p = %d', (rule, p, passed, pValue) => {
    const finding = onlyFinding(rule, evidence(p));
    expect(finding).toMatchObject({ passed, pValue });
    if (pValue === p) expect(finding.finding).toContain(`(p = ${p}; 0.025 allowed)`);
  });
});

describe('of a suite, the evidence says which way is better', () => {
  const metric = 'harness/piqa/score';
  const gain = between(1, 2);
  const rules: Rule[] = [
    { rule: 'noWorseThanChampion', metric, byMoreThan: 0 },
    { rule: 'betterThanBase', metric, byAtLeast: 0.5 },
  ];
  test.each([
    ['higher', gain, true],
    ['lower', gain, false],
    ['higher', between(-2, -1), false],
    ['lower', between(-2, -1), true],
  ] as const)('%s: %j', (direction, figure, passed) => {
    const evidence = { ...evidenceOf({ fromBase: { [metric]: figure } }), directions: { [metric]: direction } };
    for (const rule of rules) expect(onlyFinding(rule, evidence)).toMatchObject({ passed });
  });

  test('without a direction no difference is shown, though a bound is', () => {
    const evidence = evidenceOf({ candidate: { [metric]: gain }, fromBase: { [metric]: gain } });
    for (const rule of rules)
      expect(onlyFinding(rule, evidence)).toMatchObject({
        passed: false,
        finding: `unknown: the evidence holds no usable figure for the difference in ${metric} from the base model, nor whether more or less is better, and what is unknown does not pass`,
      });
    expect(onlyFinding({ rule: 'atLeast', metric, value: 1 }, evidence)).toMatchObject({ passed: true });
  });

  test('more attacks that succeed are no gain, whatever the exact test says', () => {
    const difference: Difference = {
      ...between(-0.1, 0.3),
      mcnemar: { candidateOnly: 9, referenceOnly: 0, pCandidateBetter: 0.001, pTwoSided: 0.002 },
    };
    const evidence = (direction: 'higher' | 'lower') => ({
      ...evidenceOf({ fromBase: { [metric]: difference } }),
      directions: { [metric]: direction },
    });
    expect(onlyFinding({ rule: 'betterThanBase', metric, byAtLeast: 0 }, evidence('higher'))).toMatchObject({
      passed: true,
    });
    expect(onlyFinding({ rule: 'betterThanBase', metric, byAtLeast: 0 }, evidence('lower'))).toMatchObject({
      passed: false,
    });
  });
});
