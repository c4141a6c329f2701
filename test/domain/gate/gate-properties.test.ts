import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Evidence, Figure } from '../../../domain/gate/evidence.ts';
import { decide } from '../../../domain/gate/gate.ts';
import type { Metric, Rule } from '../../../domain/spec/gate-rules.ts';
import { evidenceOf, levels, sliceOf } from '../../builders/evidence.ts';

describe('for any rules and evidence', () => {
  const lowerIsBetter = ['perplexity', 'latencyP50Ms', 'latencyP95Ms'] as const;
  const metrics = ['bleu', 'rougeL', ...lowerIsBetter] as const;
  const isLower = (metric: string) => (lowerIsBetter as readonly string[]).includes(metric);
  const number = fc.double({ min: -50, max: 50, noNaN: true });
  const metric = fc.constantFrom(...metrics);
  const margin = fc.double({ min: 0, max: 20, noNaN: true });
  const rule: fc.Arbitrary<Rule> = fc.oneof(
    fc.tuple(metric, number).map(([m, value]): Rule => ({ rule: isLower(m) ? 'atMost' : 'atLeast', metric: m, value })),
    fc.record({ rule: fc.constant('noWorseThanChampion' as const), metric, byMoreThan: margin }),
    fc.record({ rule: fc.constant('betterThanBase' as const), metric, byAtLeast: margin }),
    fc.record({
      rule: fc.constant('noSliceWorseThanChampion' as const),
      metric: fc.constantFrom('bleu', 'rougeL', 'perplexity'),
      byMoreThan: margin,
    }),
  );
  const rules = fc.array(rule, { minLength: 1, maxLength: 5 });
  /** Any distribution, from far on the good side to far on the bad one: limits that ascend, not those of a normal figure. */
  const figure = fc
    .tuple(
      fc.array(fc.double({ min: 0, max: 40, noNaN: true }), { minLength: levels.length, maxLength: levels.length }),
      number,
    )
    .map(([spread, middle]): Figure => {
      const quantiles = spread.map((x) => x - 20 + middle).toSorted((a, b) => a - b);
      return {
        point: quantiles[Math.floor(levels.length / 2)] ?? 0,
        low: quantiles[1] ?? 0,
        high: quantiles.at(-2) ?? 0,
        standardError: 1,
        quantiles,
      };
    });
  type Figures = Partial<Record<(typeof metrics)[number], Figure>>;
  const some: fc.Arbitrary<Figures> = fc.record(
    { bleu: figure, rougeL: figure, perplexity: figure, latencyP50Ms: figure, latencyP95Ms: figure },
    { requiredKeys: [] },
  );
  const evidence = fc
    .record({
      candidate: some,
      fromBase: some,
      fromChampion: fc.option(some, { nil: undefined }),
      short: some,
      long: some,
    })
    .map(({ fromChampion, short, long, ...always }) =>
      evidenceOf({
        ...always,
        ...(fromChampion ? { fromChampion } : {}),
        slices: [sliceOf('short', short), sliceOf('long', long)],
      }),
    );

  const onEveryFigure = (given: Evidence, change: (metric: Metric, figure: Figure) => Figure | undefined): Evidence => {
    const each = (all: Partial<Record<Metric, Figure>>) =>
      Object.fromEntries(
        Object.entries(all).flatMap(([m, x]) => {
          const changed = x && change(m as Metric, x);
          return changed ? [[m, changed]] : [];
        }),
      );
    const differences = (all: Evidence['differences']) =>
      Object.fromEntries(Object.entries(all).flatMap(([role, x]) => (x ? [[role, each(x)]] : [])));
    const { candidate } = given.models;
    return {
      ...given,
      models: {
        ...given.models,
        ...(candidate ? { candidate: { ...candidate, metrics: each(candidate.metrics) } } : {}),
      },
      differences: differences(given.differences),
      slices: given.slices.map((slice) => ({ ...slice, differences: differences(slice.differences) })),
    };
  };

  /** The point and every limit move in the metric's good direction, each by as much as it likes that keeps them in order. */
  const improve = (given: Evidence, steps: readonly number[]): Evidence =>
    onEveryFigure(given, (m, x) => {
      const towards = isLower(m) ? -1 : 1;
      const moved = x.quantiles.map((q, i) => q + towards * (steps[i % steps.length] ?? 0));
      // Sorted, each limit still lies on the good side of the one that stood in its place.
      const quantiles = moved.toSorted((a, b) => a - b);
      return {
        ...x,
        point: quantiles[Math.floor(levels.length / 2)] ?? 0,
        low: quantiles[1] ?? 0,
        high: quantiles.at(-2) ?? 0,
        quantiles,
      };
    });
  const steps = fc.array(fc.double({ min: 0, max: 60, noNaN: true }), { minLength: 1, maxLength: levels.length });

  test('better evidence never turns a pass into a fail', () => {
    fc.assert(
      fc.property(rules, evidence, steps, (asked, given, by) => {
        const before = decide(asked, given).findings;
        const after = decide(asked, improve(given, by)).findings;
        before.forEach((finding, i) => finding.passed && expect(after[i]).toMatchObject({ passed: true }));
      }),
    );
  });

  test('much better evidence turns every fail that is known into a pass', () => {
    fc.assert(
      fc.property(rules, evidence, (asked, given) => {
        const known = decide(asked, given).findings.map((f) => !f.finding.startsWith('unknown'));
        expect(decide(asked, improve(given, [1000])).findings.map((f) => f.passed)).toEqual(known);
      }),
    );
  });

  test('the order of the rules never matters', () => {
    const shuffled = rules.chain((asked) =>
      fc.tuple(fc.constant(asked), fc.shuffledSubarray(asked, { minLength: asked.length })),
    );
    const sorted = (asked: readonly Rule[], given: Evidence) =>
      decide(asked, given)
        .findings.map((f) => JSON.stringify(f))
        .toSorted();
    fc.assert(
      fc.property(shuffled, evidence, ([asked, reordered], given) => {
        expect(sorted(reordered, given)).toEqual(sorted(asked, given));
      }),
    );
  });

  test('one more rule never turns a fail into a pass', () => {
    fc.assert(
      fc.property(rules, rule, evidence, (asked, another, given) => {
        const before = decide(asked, given);
        const after = decide([...asked, another], given);
        if (!before.passed) expect(after.passed).toBe(false);
        before.findings.forEach(
          (finding, i) => finding.passed || expect(after.findings[i]).toMatchObject({ passed: false }),
        );
      }),
    );
  });

  test('evidence that is taken away or spoilt never passes', () => {
    const spoil = fc.constantFrom<(x: Figure) => Figure | undefined>(
      () => undefined,
      (x) => ({ ...x, quantiles: x.quantiles.slice(0, -1) }),
      (x) => ({ ...x, quantiles: x.quantiles.with(0, Number.NaN) }),
      (x) => ({ ...x, point: Number.NaN }),
    );
    fc.assert(
      fc.property(rules, evidence, metric, spoil, (asked, given, lost, spoiled) => {
        const findings = decide(
          asked,
          onEveryFigure(given, (m, x) => (m === lost ? spoiled(x) : x)),
        ).findings;
        for (const finding of findings.filter((f) => f.metric === lost))
          expect(finding).toMatchObject({ passed: false, pValue: 1, finding: expect.stringMatching(/^unknown/) });
      }),
    );
  });
});
