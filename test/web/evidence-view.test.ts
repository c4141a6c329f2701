import { describe, expect, test } from '@jest/globals';
import { viewEvidence, viewFinding } from '../../workers/console/evidence-view.ts';
import { shownEvidence } from '../builders/console-evidence.ts';
import { between, evidenceOf } from '../builders/evidence.ts';

describe('evidence', () => {
  test('of every schema can be drawn; figures that are no numbers are left out', () => {
    expect(viewEvidence(evidenceOf({ candidate: { bleu: between(1, 3) } }))).toMatchObject({
      models: { candidate: { metrics: { bleu: { point: 2, low: 1, high: 3 } } } },
      slices: [],
    });
    const evidence = viewEvidence(shownEvidence());
    expect(evidence.slices).toHaveLength(6);
    expect(Object.keys(evidence.attacks?.families ?? {})).toContain('jailbreak');
    expect(JSON.stringify(evidence)).not.toContain('quantiles');
    expect(
      viewEvidence({ models: { candidate: { metrics: { bleu: { point: null, low: 1, high: 2 } } } } }).models[
        'candidate'
      ]?.metrics,
    ).toEqual({});
    expect(viewEvidence('nonsense').examples).toBe(0);
  });

  const evidence = viewEvidence(shownEvidence());
  const draw = (rule: Parameters<typeof viewFinding>[1][number], title: string, more = {}) =>
    viewFinding({ rule: title, passed: true, finding: '', ...more }, [rule], evidence).drawing;

  test('is drawn with the line that the rule sets, in the direction of the metric', () => {
    expect(draw({ rule: 'atMost', metric: 'perplexity', value: 30 }, 'perplexity at most 30')).toMatchObject({
      interval: { point: 17.1 },
      threshold: 30,
      passesBelow: true,
      isDifference: false,
    });
    expect(
      draw({ rule: 'betterThanBase', metric: 'perplexity', byAtLeast: 5 }, 'perplexity better than base by at least 5'),
    ).toMatchObject({ threshold: -5, passesBelow: true, isDifference: true });
    expect(
      draw(
        { rule: 'noWorseThanChampion', metric: 'bleu', byMoreThan: 1 },
        'bleu no worse than champion by more than 1',
      ),
    ).toMatchObject({ interval: { point: 1.5 }, threshold: -1, passesBelow: false });
    expect(
      draw(
        { rule: 'noSliceWorseThanChampion', metric: 'bleu', byMoreThan: 1 },
        'bleu in section=doc no worse than champion by more than 1',
        { slice: 'section=doc' },
      )?.interval.point,
    ).toBeCloseTo(8.4 * 0.8 - 6.9);
    expect(
      draw({ rule: 'atLeast', metric: 'groundedness' as 'bleu', value: 1 }, 'groundedness at least 1'),
    ).toBeUndefined();
    expect(draw({ rule: 'atLeast', metric: 'bleu', value: 1 }, 'something else')).toBeUndefined();
  });
});

test('a metric of a suite is drawn in the direction that the evidence has for it, and in none where it has none', () => {
  const [probe, task, other] = ['garak/dan', 'harness/piqa/acc', 'harness/own/score'] as const;
  const difference = { [probe]: between(-0.2, -0.1), [task]: between(0.1, 0.2), [other]: between(1, 2) };
  const evidence = viewEvidence({
    ...evidenceOf({ candidate: difference, fromBase: difference }),
    directions: { [probe]: 'lower', [task]: 'higher' },
  });
  expect(evidence.lowerIsBetter).toContain(probe);
  expect(evidence.lowerIsBetter).not.toContain(task);
  expect(evidence.boundsOnly).toEqual(['lengthRatio', other]);
  const draw = (metric: typeof probe | typeof task | typeof other) => {
    const rule = { rule: 'betterThanBase', metric, byAtLeast: 0.05 } as const;
    return viewFinding(
      { rule: `${metric} better than base by at least 0.05`, passed: true, finding: '' },
      [rule],
      evidence,
    ).drawing;
  };
  expect(draw(probe)).toMatchObject({ threshold: -0.05, passesBelow: true });
  expect(draw(task)).toMatchObject({ threshold: 0.05, passesBelow: false });
  expect(draw(other)).toBeUndefined();
});

test('a cost has its currency behind it where the spec tells one', () => {
  const rule = { rule: 'atMost', metric: 'costPer1000Requests', value: 2 } as const;
  const finding = { rule: 'costPer1000Requests at most 2', passed: true, finding: '' };
  const raw = { models: { candidate: { metrics: { costPer1000Requests: { point: 1, low: 0.9, high: 1.1 } } } } };
  expect(viewEvidence(raw, 'EUR').units).toEqual({ costPer1000Requests: 'EUR' });
  expect(viewFinding(finding, [rule], viewEvidence(raw, 'EUR'))).toMatchObject({
    rule: 'costPer1000Requests at most 2 (EUR)',
    drawing: { threshold: 2 },
  });
  expect(viewFinding(finding, [rule], viewEvidence(raw)).rule).toBe(finding.rule);
});
