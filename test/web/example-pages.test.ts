import { describe, expect, test } from '@jest/globals';
import { pageOfExamples, toExample } from '../../workers/console/examples.ts';
import { exampleRows } from '../builders/console-examples.ts';

describe('examples', () => {
  const examples = exampleRows().map(toExample);

  test('come with the worst regressions first, page by page, each once', () => {
    const pages = [1, 2, 3, 4, 5, 6, 7].map((page) => pageOfExamples(examples, { page: String(page) }));
    const rows = pages.flatMap((page) => page.rows);
    expect(rows.map(({ gain }) => gain)).toEqual(rows.map(({ gain }) => gain).sort((a, b) => a - b));
    expect(new Set(rows.map(({ id }) => id)).size).toBe(64);
    expect(pages[0]).toMatchObject({
      total: 64,
      pages: 7,
      metric: 'rougeL',
      against: 'champion',
      others: ['champion', 'base'],
    });
  });

  test('a lower likelihood of the wanted answer is a loss', () => {
    const [first] = pageOfExamples(examples, { metric: 'nll' }).rows;
    expect(first?.candidate.score).toBeGreaterThan(first?.other.score ?? Infinity);
  });

  test.each([
    { page: '-1' },
    { page: '1e9' },
    { page: 'x' },
    { sort: 'up' },
    { metric: '__proto__' },
    { against: 'candidate' },
  ])('a wish that makes no sense, %j, is as good as none', (wish) => {
    const page = pageOfExamples(examples, wish);
    expect(page.rows.length).toBeGreaterThan(0);
    expect(page).toMatchObject({ metric: 'rougeL', against: 'champion', sort: 'worst' });
  });

  test('without another model there is nothing to compare', () => {
    const alone = examples.map(({ answers: { candidate = { answer: '', scores: {} } }, ...rest }) => ({
      ...rest,
      answers: { candidate },
    }));
    expect(pageOfExamples(alone, {})).toMatchObject({ total: 0, pages: 1, rows: [] });
  });
});
