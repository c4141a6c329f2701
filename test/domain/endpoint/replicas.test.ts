import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { boundsByReplicas, boundsByRoute, replicasOf } from '../../../domain/endpoint/replicas.ts';
import { shareOf } from '../../builders/releases.ts';

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

/** Whole percents, 100 in all. */
const percents = fc
  .array(fc.integer({ min: 0, max: 100 }), { maxLength: 4 })
  .map((cuts) => [0, ...cuts.toSorted((a, b) => a - b), 100])
  .map((edges) => edges.slice(1).map((edge, index) => edge - (edges[index] ?? 0)));
const total = fc.integer({ min: 1, max: 200 });

describe('replicas as shares', () => {
  test('are never 0 for a share above 0, nor any for none, and as many as there may be', () => {
    fc.assert(
      fc.property(percents, total, (given, all) => {
        const replicas = replicasOf(given, all);
        given.forEach((percent, index) => expect((replicas[index] ?? 0) > 0).toBe(percent > 0));
        expect(sum(replicas)).toBe(Math.max(all, given.filter((percent) => percent > 0).length));
      }),
    );
  });

  test('are exact where whole replicas can be', () => {
    fc.assert(
      fc.property(percents, fc.constantFrom(100, 200), (given, all) =>
        expect(replicasOf(given, all)).toEqual(given.map((percent) => (percent * all) / 100)),
      ),
    );
  });

  test('a larger share has no fewer', () => {
    fc.assert(
      fc.property(percents, total, (given, all) => {
        const replicas = replicasOf(given, all);
        for (const [i, a] of given.entries())
          for (const [j, b] of given.entries()) if (a > b) expect(replicas[i]).toBeGreaterThanOrEqual(replicas[j] ?? 0);
      }),
    );
  });

  test('lie within a replica of the share, but where one was due to a small share', () => {
    fc.assert(
      fc.property(percents, total, (given, all) => {
        fc.pre(given.every((percent) => percent === 0 || (percent * all) / 100 >= 1));
        replicasOf(given, all).forEach((replicas, index) =>
          expect(Math.abs(replicas - ((given[index] ?? 0) * all) / 100)).toBeLessThan(1),
        );
      }),
    );
  });

  test.each<[number[], number, number[]]>([
    [[100], 3, [3]],
    [[95, 5], 4, [3, 1]],
    [[75, 25], 4, [3, 1]],
    [[50, 50], 4, [2, 2]],
    [[50, 50], 1, [1, 1]],
    [[98, 1, 1], 4, [2, 1, 1]],
    [[100, 0], 2, [2, 0]],
    [[], 2, []],
  ])('of %j of %i', (given, all, expected) => {
    expect(replicasOf(given, all)).toEqual(expected);
  });
});

describe('bounds of the autoscaler', () => {
  const bounds = { least: 2, most: 8 };

  test('are those of the settings while one release has all traffic', () => {
    for (const boundsOf of [boundsByReplicas, boundsByRoute])
      expect(boundsOf([shareOf('1', 100)], bounds)).toEqual([bounds]);
  });

  test('leave no room where replicas are shares: load would move the split', () => {
    expect(boundsByReplicas([shareOf('1', 75), shareOf('2', 25)], bounds)).toEqual([
      { least: 6, most: 6 },
      { least: 2, most: 2 },
    ]);
  });

  test('shrink with the share where a route weighs it', () => {
    expect(boundsByRoute([shareOf('1', 95), shareOf('2', 5)], bounds)).toEqual([
      { least: 2, most: 8 },
      { least: 1, most: 8 },
    ]);
  });
});
