import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { countsBetween, profileOf } from '../../../domain/monitoring/training-profile.ts';

const examplesOf = (lengths: readonly number[]) =>
  lengths.map((length) => ({ prompt: 'x'.repeat(length), completion: 'y'.repeat(length) }));

test('a tenth lies in each bin', () => {
  const { examples, promptCharacters } = profileOf(examplesOf(Array.from({ length: 100 }, (_, i) => i + 1)), 'd');
  expect(examples).toBe(100);
  expect(promptCharacters.edges).toEqual([11, 21, 31, 41, 51, 61, 71, 81, 91]);
  expect(promptCharacters.counts).toEqual([11, 10, 10, 10, 10, 10, 10, 10, 10, 9]);
});

test('where few values are all there is, what was never there has bins of its own', () => {
  expect(profileOf(examplesOf([2, 2, 3, 3, 3]), 'd').answerCharacters).toEqual({
    edges: [1, 2, 3],
    counts: [0, 2, 3, 0],
  });
});

test('every value lies in one bin', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(200), { minLength: 1 }), fc.array(fc.nat(300)), (lengths, others) => {
      const { edges, counts } = profileOf(examplesOf(lengths), 'd').answerCharacters;
      expect(edges).toEqual([...new Set(edges)].toSorted((a, b) => a - b));
      expect(counts.reduce((a, b) => a + b)).toBe(lengths.length);
      expect(countsBetween(edges, others).reduce((a, b) => a + b)).toBe(others.length);
    }),
    { numRuns: 50 },
  );
});

test('prompts that are all the same have no spread', () => {
  expect(profileOf(examplesOf([3, 3]), 'd').promptEmbedding).toMatchObject({ spread: 0, degrees: 1 });
});

test('of many examples the first 5,000 count', () => {
  const many = examplesOf(new Array<number>(5000).fill(4));
  expect(profileOf([...many, ...examplesOf([400])], 'd')).toEqual(profileOf(many, 'd'));
});
