import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Evidence, Interval } from '../../domain/evidence.ts';
import { judge } from '../../domain/gate.ts';
import type { Metric, Rule } from '../../domain/lifecycle-spec.ts';
import { between, evidenceOf } from '../builders/evidence.ts';

const onlyFinding = (rule: Rule, evidence: Evidence) => {
  const { findings } = judge([rule], evidence);
  expect(findings).toHaveLength(1);
  return findings[0];
};

describe('atLeast and atMost hold the worst end of the interval against the bound', () => {
  test.each<[Rule['rule'], Interval, boolean, string]>([
    ['atLeast', between(10, 12), true, 'the whole interval meets at least 10'],
    ['atLeast', between(9.9, 12), false, 'not shown, the interval reaches 9.9 and at least 10 was asked'],
    ['atLeast', between(6, 9), false, 'misses at least 10'],
    ['atMost', between(8, 10), true, 'the whole interval meets at most 10'],
    ['atMost', between(8, 10.1), false, 'not shown, the interval reaches 10.1 and at most 10 was asked'],
    ['atMost', between(11, 14), false, 'misses at most 10'],
  ])('%s 10 on %j', (rule, bleu, passed, words) => {
    const finding = onlyFinding({ rule: rule as 'atLeast' | 'atMost', metric: 'bleu', value: 10 }, evidenceOf({ candidate: { bleu } }));
    expect(finding).toMatchObject({ passed, rule: `bleu ${rule === 'atLeast' ? 'at least' : 'at most'} 10` });
    expect(finding?.finding).toContain(words);
  });

  test('a finding shows the figure, its interval and the confidence', () => {
    const finding = onlyFinding({ rule: 'atLeast', metric: 'bleu', value: 10 }, evidenceOf({ candidate: { bleu: { point: 11.23456, low: 10.1, high: 12 } } }));
    expect(finding?.finding).toBe('11.23 [10.1, 12] at 95 %: the whole interval meets at least 10');
  });
});

describe('betterThanBase wants the whole gain shown', () => {
  test.each<[Metric, Interval, boolean]>([
    ['bleu', between(2, 4), true],
    ['bleu', between(1.9, 4), false],
    ['bleu', between(-4, -2), false],
    ['perplexity', between(-4, -2), true],
    ['perplexity', between(-4, -1.9), false],
    ['perplexity', between(2, 4), false],
    ['latencyP50Ms', between(-4, -2), true],
    ['latencyP95Ms', between(2, 4), false],
    ['tokensPerSecond', between(2, 4), true],
  ])('%s by at least 2 on a difference of %j', (metric, difference, passed) => {
    const evidence = evidenceOf({ fromBase: { [metric]: difference } });
    expect(onlyFinding({ rule: 'betterThanBase', metric, byAtLeast: 2 }, evidence)?.passed).toBe(passed);
  });
});

describe('noWorseThanChampion tolerates a loss of so much and no more', () => {
  test.each<[Metric, Interval, boolean]>([
    ['bleu', between(-1, 3), true],
    ['bleu', between(-1.1, 3), false],
    ['perplexity', between(-3, 1), true],
    ['perplexity', between(-3, 1.1), false],
  ])('%s by 1 on a difference of %j', (metric, difference, passed) => {
    const evidence = evidenceOf({ fromChampion: { [metric]: difference } });
    expect(onlyFinding({ rule: 'noWorseThanChampion', metric, byMoreThan: 1 }, evidence)?.passed).toBe(passed);
  });

  const noLoss: Rule = { rule: 'noWorseThanChampion', metric: 'bleu', byMoreThan: 0 };

  test('without a champion the base model stands in, and the finding says so', () => {
    const finding = onlyFinding(noLoss, evidenceOf({ fromBase: { bleu: between(1, 2) } }));
    expect(finding).toMatchObject({ passed: true });
    expect(finding?.finding).toContain('difference from base');
  });

  test('a champion is not outvoted by a good difference from the base model', () => {
    const finding = onlyFinding(noLoss, evidenceOf({ fromBase: { bleu: between(1, 2) }, fromChampion: { bleu: between(-2, -1) } }));
    expect(finding).toMatchObject({ passed: false });
    expect(finding?.finding).toContain('difference from champion');
  });

  test('a champion that was evaluated but not compared is unknown, not absent', () => {
    const whole = evidenceOf({ fromBase: { bleu: between(1, 2) }, fromChampion: {} });
    const { champion: _lost, ...differences } = whole.differences;
    expect(onlyFinding(noLoss, { ...whole, differences })).toMatchObject({ passed: false });
  });
});

describe('what is unknown does not pass', () => {
  const rules: Rule[] = [
    { rule: 'atLeast', metric: 'bleu', value: -1000 },
    { rule: 'atMost', metric: 'bleu', value: 1000 },
    { rule: 'noWorseThanChampion', metric: 'bleu', byMoreThan: 1000 },
    { rule: 'betterThanBase', metric: 'bleu', byAtLeast: 0 },
  ];
  const unusable: [string, Interval | undefined][] = [
    ['a figure that is missing', undefined],
    ['a point that is not a number', { point: Number.NaN, low: 1, high: 1 }],
    ['a low end that is not a number', { point: 1, low: Number.NaN, high: 1 }],
    ['a high end without end', { point: 1, low: 1, high: Number.POSITIVE_INFINITY }],
    ['a null, as JSON has it', JSON.parse('{"point": null, "low": 1, "high": 1}') as Interval],
    ['an interval the wrong way round', { point: 5, low: 9, high: 1 }],
  ];
  const cases = unusable.flatMap(([what, bleu]) => rules.map((rule) => ({ what, bleu, rule, kind: rule.rule })));

  test.each(cases)('$kind on $what', ({ rule, bleu }) => {
    const figures = bleu ? { bleu } : {};
    const finding = onlyFinding(rule, evidenceOf({ candidate: figures, fromBase: figures }));
    expect(finding).toMatchObject({ passed: false });
    expect(finding?.finding).toContain('unknown');
  });

  test.each(rules)('$rule passes the same evidence once it is measured', (rule) => {
    const figures = { bleu: between(1, 2) };
    expect(judge([rule], evidenceOf({ candidate: figures, fromBase: figures })).passed).toBe(true);
  });

  test('a gate without rules lets nothing through', () => {
    expect(judge([], evidenceOf({}))).toEqual({ passed: false, findings: [] });
  });
});

test('one failed rule fails the gate, and every rule has its finding', () => {
  const verdict = judge(
    [
      { rule: 'atLeast', metric: 'bleu', value: 1 },
      { rule: 'atLeast', metric: 'rougeL', value: 1 },
    ],
    evidenceOf({ candidate: { bleu: between(2, 3), rougeL: between(0.2, 0.3) } }),
  );
  expect(verdict.passed).toBe(false);
  expect(verdict.findings.map((f) => f.passed)).toEqual([true, false]);
});

describe('for any rules and evidence', () => {
  const lowerIsBetter: readonly Metric[] = ['perplexity', 'latencyP50Ms', 'latencyP95Ms'];
  const metrics: readonly Metric[] = ['bleu', 'rougeL', ...lowerIsBetter];
  const number = fc.double({ min: -50, max: 50, noNaN: true });
  const metric = fc.constantFrom(...metrics);
  const tolerance = fc.double({ min: 0, max: 20, noNaN: true });
  const boundFor = (m: Metric, value: number): Rule => ({ rule: lowerIsBetter.includes(m) ? 'atMost' : 'atLeast', metric: m, value });
  const rule: fc.Arbitrary<Rule> = fc.oneof(
    fc.tuple(metric, number).map(([m, value]) => boundFor(m, value)),
    fc.record({ rule: fc.constant('noWorseThanChampion' as const), metric, byMoreThan: tolerance }),
    fc.record({ rule: fc.constant('betterThanBase' as const), metric, byAtLeast: tolerance }),
  );
  const rules = fc.array(rule, { minLength: 1, maxLength: 6 });
  const interval = fc.tuple(number, number, number).map((ends): Interval => {
    const [low = 0, point = 0, high = 0] = ends.toSorted((a, b) => a - b);
    return { low, point, high };
  });
  const figures = fc.record(Object.fromEntries(metrics.map((m) => [m, interval])) as Record<Metric, fc.Arbitrary<Interval>>, { requiredKeys: [] });
  const optional = fc.option(figures, { nil: undefined });
  const evidence = fc
    .record({ candidate: figures, fromBase: figures, fromChampion: optional })
    .map(({ fromChampion, ...always }) => evidenceOf({ ...always, ...(fromChampion ? { fromChampion } : {}) }));

  /** Every end of every interval moves by as much in its metric's good direction. */
  function improve(given: Evidence, by: number): Evidence {
    const shift = (all: Partial<Record<Metric, Interval>>) =>
      Object.fromEntries(
        Object.entries(all).map(([m, { low, point, high }]) => {
          const step = lowerIsBetter.includes(m as Metric) ? -by : by;
          return [m, { low: low + step, point: point + step, high: high + step }];
        }),
      );
    const { candidate } = given.models;
    return {
      ...given,
      models: { ...given.models, ...(candidate ? { candidate: { ...candidate, metrics: shift(candidate.metrics) } } : {}) },
      differences: Object.fromEntries(Object.entries(given.differences).map(([role, all]) => [role, shift(all)])),
    };
  }

  test('better evidence never turns a pass into a fail', () => {
    fc.assert(
      fc.property(rules, evidence, fc.double({ min: 0, max: 100, noNaN: true }), (asked, given, by) => {
        const before = judge(asked, given).findings;
        const after = judge(asked, improve(given, by)).findings;
        before.forEach((finding, i) => finding.passed && expect(after[i]).toMatchObject({ passed: true }));
      }),
    );
  });

  test('much better evidence turns every measured fail into a pass', () => {
    fc.assert(
      fc.property(rules, evidence, (asked, given) => {
        const measured = judge(asked, given).findings.map((f) => !f.finding.startsWith('unknown'));
        expect(judge(asked, improve(given, 1000)).findings.map((f) => f.passed)).toEqual(measured);
      }),
    );
  });

  test('the order of the rules never matters', () => {
    const shuffled = rules.chain((asked) => fc.tuple(fc.constant(asked), fc.shuffledSubarray(asked, { minLength: asked.length })));
    fc.assert(
      fc.property(shuffled, evidence, ([asked, reordered], given) => {
        expect(judge(reordered, given).passed).toBe(judge(asked, given).passed);
      }),
    );
  });

  test('evidence that is taken away never helps', () => {
    fc.assert(
      fc.property(rules, evidence, metric, (asked, given, lost) => {
        const without = (all: Partial<Record<Metric, Interval>>) => Object.fromEntries(Object.entries(all).filter(([m]) => m !== lost));
        const { candidate } = given.models;
        const poorer: Evidence = {
          ...given,
          models: { ...given.models, ...(candidate ? { candidate: { ...candidate, metrics: without(candidate.metrics) } } : {}) },
          differences: Object.fromEntries(Object.entries(given.differences).map(([role, all]) => [role, without(all)])),
        };
        if (judge(asked, poorer).passed) expect(judge(asked, given).passed).toBe(true);
      }),
    );
  });
});
