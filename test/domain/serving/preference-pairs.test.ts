import { describe, expect, test } from '@jest/globals';
import { evaluationExamples, preferencePairs, type RatedAnswer } from '../../../domain/serving/preference-pairs.ts';

describe('what was said becomes', () => {
  const rated = (answer: string, rating: number, more: Partial<RatedAnswer> = {}): RatedAnswer => ({
    id: 'i',
    version: 'm/1',
    author: 'ada',
    messages: [{ role: 'user', content: 'Sum up x' }],
    answer,
    rating,
    ...more,
  });

  test('pairs: a correction against its answer, and a good answer against a bad one to the same prompt', () => {
    expect(
      preferencePairs([
        rated('a', 1),
        rated('b', -1),
        rated('b', -1),
        rated('c', -1, { correction: 'd' }),
        rated('e', -1, { messages: [{ role: 'user', content: 'other' }] }),
        rated('f', 0.5, { correction: 'f' }),
      ]),
    ).toEqual([
      { prompt: 'Sum up x', chosen: 'd', rejected: 'c' },
      { prompt: 'Sum up x', chosen: 'a', rejected: 'b' },
      { prompt: 'Sum up x', chosen: 'a', rejected: 'c' },
      { prompt: 'Sum up x', chosen: 'f', rejected: 'b' },
      { prompt: 'Sum up x', chosen: 'f', rejected: 'c' },
    ]);
  });

  test('an evaluation set: what was corrected or called good, with the columns of the prompt where they are known, and the last word on each', () => {
    const variables = { text: 'x' };
    expect(
      evaluationExamples([
        rated('a', 1, { variables }),
        rated('b', -1),
        rated('c', -1, { variables, correction: 'd' }),
        rated('e', 0.5),
      ]),
    ).toEqual([
      { text: 'x', target: 'd' },
      { prompt: 'Sum up x', target: 'e' },
    ]);
  });
});
