import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { embed, embeddingSize } from '../../../domain/monitoring/text-embedding.ts';

const cosine = (a: string, b: string): number => {
  const other = embed(b);
  return embed(a).reduce((sum, x, i) => sum + x * (other[i] ?? 0), 0);
};

describe('an embedding', () => {
  test('has one length, whatever the text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), fc.lorem({ maxCount: 50 })), (text) => {
        const embedding = embed(text);
        const length = Math.hypot(...embedding);
        expect(embedding).toHaveLength(embeddingSize);
        expect(embedding.every((x) => Number.isFinite(x) && !Object.is(x, -0))).toBe(true);
        // Everything may cancel, as in a text of two signs that meet; that is rare.
        expect(length === 0 || Math.abs(length - 1) < 1e-3).toBe(true);
      }),
    );
    expect(Math.hypot(...embed(' \n\t'))).toBe(0);
  });

  test('is what it was, so that profiles that are kept stay comparable', () => {
    const sums = embed('A lightweight editor, for terminals.');
    const least = Math.min(...sums.filter((x) => x !== 0).map(Math.abs));
    expect(sums.map((x) => Math.round(x / least)).join(' ')).toMatchInlineSnapshot(
      `"-2 0 0 0 0 0 0 -1 0 0 -1 0 0 -2 0 0 1 1 -2 0 0 1 0 0 -1 0 -1 0 0 -1 -1 -1 -1 0 0 0 0 -1 2 -2 0 -1 -1 -2 -1 -2 0 1 0 0 0 2 0 0 0 0 2 0 0 0 1 1 0 1"`,
    );
  });

  test('does not hang on case, width or blanks', () => {
    expect(embed('Ｈello   WORLD\n')).toEqual(embed('hello world'));
  });

  test('points the same way for texts that share words, parts of words and their order', () => {
    const asked = 'What is the capital of France?';
    expect(cosine(asked, 'What is the capital of Spain?')).toBeGreaterThan(
      cosine(asked, 'A lightweight text editor for the terminal') + 0.3,
    );
    expect(cosine('converting images', 'image conversion')).toBeGreaterThan(
      cosine('converting images', 'mail transport') + 0.2,
    );
    expect(cosine('dog bites man', 'man bites dog')).toBeLessThan(0.98);
  });

  test('is of the first 4,000 characters', () => {
    const start = 'word '.repeat(800);
    expect(embed(`${start}quite other text`)).toEqual(embed(start));
  });
});
