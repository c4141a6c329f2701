import { describe, expect, test } from '@jest/globals';
import type { Figure } from '../../../domain/gate/evidence.ts';
import { decide } from '../../../domain/gate/gate.ts';
import type { Rule } from '../../../domain/spec/gate-rules.ts';
import { between, evidenceOf, exactly, levels } from '../../builders/evidence.ts';
import { onlyFinding } from './only-finding.ts';

describe('a finding says in one sentence what was found, how surely, and what could have been found', () => {
  test.each<[Rule['rule'], Figure, boolean, string]>([
    [
      'atLeast',
      between(10.1, 12),
      true,
      '11.05 [10.1, 12] at 95 %; shown: at least 10 (p ≤ 0.025; 0.025 allowed); 80 % power where the truth is 11.36 or more',
    ],
    [
      'atLeast',
      between(9.9, 12),
      false,
      '10.95 [9.9, 12] at 95 %; not shown, noise could explain it: at least 10 (p ≤ 0.05; 0.025 allowed); 80 % power where the truth is 11.5 or more',
    ],
    [
      'atLeast',
      between(8, 11),
      false,
      '9.5 [8, 11] at 95 %; missed, though noise could explain it: at least 10 (p ≤ 0.75; 0.025 allowed); 80 % power where the truth is 12.14 or more',
    ],
    [
      'atLeast',
      between(6, 9),
      false,
      '7.5 [6, 9] at 95 %; missed: at least 10 (p ≤ 1; 0.025 allowed); 80 % power where the truth is 12.14 or more',
    ],
    [
      'atMost',
      between(8, 9.9),
      true,
      '8.95 [8, 9.9] at 95 %; shown: at most 10 (p ≤ 0.025; 0.025 allowed); 80 % power where the truth is 8.642 or less',
    ],
    [
      'atMost',
      between(8, 10.1),
      false,
      '9.05 [8, 10.1] at 95 %; not shown, noise could explain it: at most 10 (p ≤ 0.05; 0.025 allowed); 80 % power where the truth is 8.499 or less',
    ],
    ['atMost', exactly(10), true, '10, without spread; shown: at most 10'],
    ['atMost', exactly(10.5), false, '10.5, without spread; missed: at most 10'],
  ])('%s 10', (rule, bleu, passed, finding) => {
    const found = onlyFinding(
      { rule: rule as 'atLeast' | 'atMost', metric: 'bleu', value: 10 },
      evidenceOf({ candidate: { bleu } }),
    );
    expect(found).toMatchObject({
      passed,
      rule: `bleu ${rule === 'atLeast' ? 'at least' : 'at most'} 10`,
      metric: 'bleu',
      finding,
    });
  });

  test('names the difference and its direction where less is better', () => {
    const evidence = evidenceOf({ fromBase: { perplexity: between(-30.58, -13.41) } });
    expect(onlyFinding({ rule: 'betterThanBase', metric: 'perplexity', byAtLeast: 5 }, evidence)).toMatchObject({
      rule: 'perplexity better than base by at least 5',
      finding:
        'difference from base -21.99 [-30.58, -13.41] at 95 % (lower is better); shown: a gain of at least 5 (p ≤ 0.0005; 0.025 allowed); 80 % power where the truth is -17.27 or less',
      pValue: expect.closeTo(0.0005),
      pAdjusted: expect.closeTo(0.0005),
      detectable: expect.closeTo((1.96 + 0.8416) * ((30.58 - 13.41) / 2 / 1.96)),
    });
  });

  test('one of several tests is corrected for the others', () => {
    const bleu = between(10.1, 12);
    const rules: Rule[] = [
      { rule: 'atLeast', metric: 'bleu', value: 10 },
      { rule: 'atLeast', metric: 'chrf', value: 1 },
    ];
    const { passed, findings } = decide(rules, evidenceOf({ candidate: { bleu, chrf: between(0.9, 3) } }));
    expect(passed).toBe(false);
    // Alone it would have passed.
    expect(findings[0]).toMatchObject({
      passed: false,
      pValue: 0.025,
      pAdjusted: 0.05,
      finding: expect.stringContaining(
        'not shown, noise could explain it: at least 10 (p ≤ 0.025, 0.05 after Holm over 2 tests; 0.025 allowed)',
      ),
    });
    expect(findings[0]?.detectable).toBeCloseTo(((2.2414 + 0.8416) * 0.95) / 1.96, 3);
  });

  test('where no level is as strict as so many tests need, nothing is shown, and that is said', () => {
    const coarse = levels.filter((level) => level > 0.02 && level < 0.98);
    const quantiles = (bleu: Figure): Figure => ({
      ...bleu,
      quantiles: bleu.quantiles.filter((_, i) => coarse.includes(levels[i] ?? 0)),
    });
    const evidence = { ...evidenceOf({ candidate: { bleu: quantiles(between(8, 9)) } }), levels: coarse };
    const rule: Rule = { rule: 'atLeast', metric: 'bleu', value: 1 };
    expect(decide([rule], evidence).passed).toBe(true);
    expect(decide([rule, rule], evidence).findings[0]).toMatchObject({
      passed: false,
      finding: expect.stringContaining('so many tests at once that no figure could show it'),
    });
  });
});
