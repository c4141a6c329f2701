import { describe, expect, test } from '@jest/globals';
import type { Evidence, Figure } from '../../../domain/gate/evidence.ts';
import { decide } from '../../../domain/gate/gate.ts';
import type { Metric, Rule } from '../../../domain/spec/gate-rules.ts';
import { lifecycleSpecSchema } from '../../../domain/spec/lifecycle-spec.ts';
import { between, evidenceOf, levels, sliceOf } from '../../builders/evidence.ts';
import { specInput } from '../../builders/specs.ts';
import { onlyFinding } from './only-finding.ts';

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
