import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { inBatches } from '../../mlflow/batches.ts';

const numbered = (count: number, value: string): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, value]));

describe('inBatches', () => {
  test('nothing to log makes no request', () => {
    expect(inBatches({})).toEqual([]);
    expect(inBatches({ params: {}, tags: {}, metrics: [] })).toEqual([]);
  });

  test('every entry goes out once, in order, in batches that MLflow takes', () => {
    const value = fc.string({ minLength: 0, maxLength: 40 }).map((text) => text.repeat(150));
    const entries = fc.record({
      params: fc.tuple(fc.nat(230), value).map(([count, text]) => numbered(count, text)),
      tags: fc.tuple(fc.nat(230), value).map(([count, text]) => numbered(count, text)),
      metrics: fc.tuple(fc.nat(2_300), fc.nat(900)).map(([count, width]) =>
        Array.from({ length: count }, (_, step) => ({
          key: 'm'.repeat(width + 1),
          value: step / 3,
          step,
          timestampMs: 1,
        })),
      ),
    });
    fc.assert(
      fc.property(entries, (given) => {
        const batches = inBatches(given);
        for (const { params, tags, metrics } of batches) {
          expect(params.length).toBeLessThanOrEqual(100);
          expect(tags.length).toBeLessThanOrEqual(100);
          expect(params.length + tags.length + metrics.length).toBeGreaterThan(0);
          expect(params.length + tags.length + metrics.length).toBeLessThanOrEqual(1_000);
          const request = { run_id: 'r'.repeat(32), params, tags, metrics };
          expect(Buffer.byteLength(JSON.stringify(request))).toBeLessThanOrEqual(1_000_000);
        }
        expect(batches.flatMap(({ params }) => params.map(({ key }) => key))).toEqual(Object.keys(given.params));
        expect(batches.flatMap(({ tags }) => tags.map(({ key }) => key))).toEqual(Object.keys(given.tags));
        expect(batches.flatMap(({ metrics }) => metrics.map(({ step }) => step))).toEqual(
          given.metrics.map(({ step }) => step),
        );
      }),
      { numRuns: 30 },
    );
  });

  test('what fits goes out in one request', () => {
    const metrics = Array.from({ length: 800 }, (_, step) => ({ key: 'loss', value: 1, step, timestampMs: 1 }));
    expect(inBatches({ params: numbered(100, 'p'), tags: numbered(100, 't'), metrics })).toHaveLength(1);
  });

  test('a megabyte is counted in bytes, not in characters', () => {
    const batches = inBatches({ params: numbered(100, 'ü'.repeat(6_000)), tags: numbered(100, 'x'.repeat(8_000)) });
    expect(batches.map((batch) => Buffer.byteLength(JSON.stringify(batch)) <= 1_000_000)).toEqual([true, true, true]);
  });

  test('NaN and infinities travel by name', () => {
    const metrics = [NaN, Infinity, -Infinity].map((value, step) => ({ key: 'loss', value, step, timestampMs: 1 }));
    expect(inBatches({ metrics })[0]?.metrics.map(({ value }) => value)).toEqual(['NaN', 'Infinity', '-Infinity']);
  });

  test.each([
    ['params', 6_000],
    ['tags', 8_000],
  ] as const)('%s longer than MLflow keeps are refused, not cut', (kind, limit) => {
    expect(() => inBatches({ [kind]: { text: 'x'.repeat(limit + 1) } })).toThrow(`exceeds the ${limit} characters`);
    expect(inBatches({ [kind]: { text: '😀'.repeat(limit) } })).toHaveLength(1);
  });
});
