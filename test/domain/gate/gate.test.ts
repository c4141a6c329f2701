import { describe, expect, test } from '@jest/globals';
import type { Difference, Evidence, Figure } from '../../../domain/gate/evidence.ts';
import { decide, type Finding } from '../../../domain/gate/gate.ts';
import type { Metric, Rule } from '../../../domain/spec/gate-rules.ts';
import { lifecycleSpecSchema } from '../../../domain/spec/lifecycle-spec.ts';
import { between, evidenceOf, exactly, levels, sliceOf } from '../../builders/evidence.ts';
import { specInput } from '../../builders/specs.ts';

const onlyFinding = (rule: Rule, evidence: Evidence): Finding => {
  const { findings } = decide([rule], evidence);
  expect(findings).toHaveLength(1);
  return findings[0] as Finding;
};

type Directed = Extract<Rule, { byAtLeast: number }>['metric'];

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

  test('of a difference in a metric of which less is better', () => {
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

describe('exactMatch without a margin is judged by the pairs that disagree', () => {
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

describe('noSliceWorseThanChampion holds every slice against the margin', () => {
  const rule: Rule = { rule: 'noSliceWorseThanChampion', metric: 'rougeL', byMoreThan: 0.1 };
  const short = sliceOf('short', { rougeL: between(-0.05, 0.2) });
  const long = sliceOf('long', { rougeL: between(-0.3, 0.2) });
  const web = sliceOf('web', { rougeL: between(-0.02, 0.2) }, 'source');
  const evidence = (...slices: Evidence['slices']) =>
    evidenceOf({ fromChampion: { rougeL: between(0.1, 0.2) }, slices });

  test('a loss in one slice fails the gate however good the rest is', () => {
    const { passed, findings } = decide([rule], evidence(short, long, web));
    expect(passed).toBe(false);
    expect(findings.map((f) => [f.slice, f.passed])).toEqual([
      ['length=short', true],
      ['length=long', false],
      ['source=web', true],
    ]);
    expect(findings[1]).toMatchObject({
      rule: 'rougeL in length=long no worse than champion by more than 0.1',
      finding: expect.stringContaining('after Holm over 3 tests'),
    });
  });

  test('by one column, other slices are no part of it', () => {
    expect(decide([{ ...rule, by: 'source' }], evidence(short, long, web))).toMatchObject({
      passed: true,
      findings: [{ slice: 'source=web' }],
    });
  });

  test.each<[string, Evidence, string]>([
    ['no slice at all', evidence(), 'any slice by source'],
    ['none by that column', evidence(short), 'any slice by source'],
    [
      'one without the metric',
      evidence(sliceOf('web', {}, 'source')),
      'the difference in rougeL from the champion model in source=web',
    ],
    [
      'one of a single example',
      evidence(sliceOf('web', { rougeL: { ...between(0, 1), quantiles: [] } }, 'source')),
      'the difference in rougeL from the champion model in source=web',
    ],
  ])('%s is unknown', (_what, given, missing) => {
    const finding = onlyFinding({ ...rule, by: 'source' }, given);
    expect(finding).toMatchObject({
      passed: false,
      pValue: 1,
      finding: `unknown: the evidence holds no usable figure for ${missing}, and what is unknown does not pass`,
    });
  });

  test('without a champion the base model stands in, in slices too', () => {
    const { differences, ...slice } = short;
    const fromBase = { ...slice, differences: { base: differences.champion ?? {} } };
    expect(decide([rule], evidenceOf({ fromBase: {}, slices: [fromBase] })).passed).toBe(true);
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

  test('and where it does not, no difference is shown, though a bound is', () => {
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

describe('what is unknown does not pass', () => {
  const rules: Rule[] = [
    { rule: 'atLeast', metric: 'bleu', value: -1000 },
    { rule: 'atMost', metric: 'bleu', value: 1000 },
    { rule: 'noWorseThanChampion', metric: 'bleu', byMoreThan: 1000 },
    { rule: 'betterThanBase', metric: 'bleu', byAtLeast: 0 },
    { rule: 'noSliceWorseThanChampion', metric: 'bleu', byMoreThan: 1000 },
  ];
  const good = between(1, 2);
  const evidenceWith = (bleu: Figure | undefined): Evidence => {
    const figures: Partial<Record<Metric, Figure>> = bleu ? { bleu } : {};
    const [slice] = [sliceOf('short', {})];
    return evidenceOf({
      candidate: figures,
      fromBase: figures,
      slices: slice ? [{ ...slice, differences: { base: figures } }] : [],
    });
  };
  const unusable: [string, Figure | undefined][] = [
    ['a figure that is missing', undefined],
    ['a point that is not a number', { ...good, point: Number.NaN }],
    ['a low end that is not a number', { ...good, low: Number.NaN }],
    ['a high end without end', { ...good, high: Number.POSITIVE_INFINITY }],
    ['a null, as JSON has it', { ...good, standardError: null as unknown as number }],
    ['an interval the wrong way round', { ...good, low: 9, high: 1 }],
    ['an error below zero', { ...good, standardError: -1 }],
    ['no quantiles', { point: 1, low: 1, high: 1 } as unknown as Figure],
    ['a quantile too few', { ...good, quantiles: good.quantiles.slice(1) }],
    ['a quantile too many', { ...good, quantiles: [...good.quantiles, 9] }],
    ['quantiles that descend', { ...good, quantiles: good.quantiles.toReversed() }],
    ['a quantile that is no number', { ...good, quantiles: good.quantiles.with(3, Number.NaN) }],
  ];
  const cases = unusable.flatMap(([what, bleu]) => rules.map((rule) => ({ what, bleu, rule, kind: rule.rule })));

  test.each(cases)('$kind on $what', ({ rule, bleu }) => {
    expect(onlyFinding(rule, evidenceWith(bleu))).toMatchObject({
      passed: false,
      pValue: 1,
      pAdjusted: 1,
      finding: expect.stringMatching(/^unknown: /),
    });
  });

  test.each(rules)('$rule passes the same evidence once it is measured', (rule) => {
    expect(decide([rule], evidenceWith(good)).passed).toBe(true);
  });

  const whole = evidenceWith(good);
  test.each<[string, Partial<Record<keyof Evidence, unknown>>, string]>([
    ['of schema 2', { schema: 2 }, 'the evidence has schema 2, expected 1: evaluate again with Jobs of this version'],
    [
      'without confidence',
      { confidence: undefined },
      'the evidence has a confidence of undefined, expected 0.5 or more and below 1',
    ],
    ['sure of everything', { confidence: 1 }, 'the evidence has a confidence of 1, expected 0.5 or more and below 1'],
    ['without levels', { levels: undefined }, 'names no levels'],
    ['with levels that descend', { levels: levels.toReversed() }, 'names no levels'],
    ['with lopsided levels', { levels: levels.with(0, 0.00002) }, 'names no levels'],
    ['without models', { models: undefined, differences: undefined, slices: undefined }, 'no usable figure'],
  ])('evidence %s', (_what, change, words) => {
    for (const rule of rules)
      expect(onlyFinding(rule, { ...whole, ...change } as Evidence)).toMatchObject({
        passed: false,
        finding: expect.stringContaining(words),
      });
  });

  test('a gate without rules lets nothing through', () => {
    expect(decide([], evidenceOf({}))).toEqual({ passed: false, findings: [] });
  });
});

describe('a rule that nothing could ever show is refused at the door', () => {
  const accepts = (rule: object, slices: readonly string[] | undefined) =>
    lifecycleSpecSchema.safeParse({ ...specInput(), evaluate: { examples: 16, slices }, gate: [rule] }).success;

  test.each<[boolean, object, string[] | undefined]>([
    [true, { rule: 'atMost', metric: 'lengthRatio', value: 1.5 }, undefined],
    [false, { rule: 'betterThanBase', metric: 'lengthRatio', byAtLeast: 0 }, undefined],
    [false, { rule: 'noWorseThanChampion', metric: 'lengthRatio', byMoreThan: 0 }, undefined],
    [true, { rule: 'noWorseThanChampion', metric: 'modelBytes', byMoreThan: 0 }, undefined],
    [true, { rule: 'noSliceWorseThanChampion', metric: 'rougeL', byMoreThan: 0 }, undefined],
    [false, { rule: 'noSliceWorseThanChampion', metric: 'modelBytes', byMoreThan: 0 }, undefined],
    [true, { rule: 'noSliceWorseThanChampion', metric: 'rougeL', byMoreThan: 0, by: 'length' }, undefined],
    [false, { rule: 'noSliceWorseThanChampion', metric: 'rougeL', byMoreThan: 0, by: 'source' }, ['team']],
    [true, { rule: 'noSliceWorseThanChampion', metric: 'rougeL', byMoreThan: 0, by: 'source' }, ['source']],
  ])('%s: %j with slices by %j', (accepted, rule, slices) => {
    expect(accepts(rule, slices)).toBe(accepted);
  });
});
