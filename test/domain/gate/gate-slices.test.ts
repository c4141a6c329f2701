import { describe, expect, test } from '@jest/globals';
import type { Evidence } from '../../../domain/gate/evidence.ts';
import { decide } from '../../../domain/gate/gate.ts';
import type { Rule } from '../../../domain/spec/gate-rules.ts';
import { between, evidenceOf, sliceOf } from '../../builders/evidence.ts';
import { onlyFinding } from './only-finding.ts';

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

  test('ignores the slices by other columns where it names one', () => {
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
