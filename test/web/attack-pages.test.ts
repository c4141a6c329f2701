import { describe, expect, test } from '@jest/globals';
import { pageOfAttacks, toAttack } from '../../workers/console/attacks.ts';
import { attackRows } from '../builders/console-attacks.ts';

describe('attacks', () => {
  const attacks = attackRows().map(toAttack);
  const pages = (family = '') => {
    const first = pageOfAttacks(attacks, { family });
    return Array.from({ length: first.pages }, (_, index) =>
      pageOfAttacks(attacks, { family, page: String(index + 1) }),
    );
  };
  const saysYes = (role: string) => (row: (typeof attacks)[number]) =>
    row.answers.some((answer) => answer.role === role && answer.succeeded);

  test('come once each: those that the champion alone withstood, those that it did not, and those that the candidate did', () => {
    const rows = pages().flatMap((page) => page.rows);
    expect(new Set(rows.map(({ id }) => id)).size).toBe(156);
    const order = rows.map((row) => {
      if (!saysYes('candidate')(row)) return 'withstood';
      return saysYes('champion')(row) ? 'both' : 'new';
    });
    expect([...new Set(order)]).toEqual(['new', 'both', 'withstood']);
    expect(order.filter((one, index) => one !== order[index - 1])).toHaveLength(3);
    expect(pages()[0]).toMatchObject({
      total: 156,
      pages: 16,
      succeeded: 15,
      families: ['prompt injection', 'jailbreak', 'secret extraction'],
    });
  });

  test('are filtered by family', () => {
    expect(
      pages('jailbreak')
        .flatMap((page) => page.rows)
        .map(({ family }) => family),
    ).toEqual(Array.from({ length: 60 }, () => 'jailbreak'));
    expect(pageOfAttacks(attacks, { family: 'secret extraction' })).toMatchObject({
      total: 48,
      succeeded: 0,
      family: 'secret extraction',
    });
  });

  test.each([{ page: '-1' }, { page: '1e9' }, { page: 'x' }, { family: '__proto__' }])(
    'a wish that makes no sense, %j, is as good as none',
    (wish) => {
      expect(pageOfAttacks(attacks, wish).rows.length).toBeGreaterThan(0);
      expect(pageOfAttacks(attacks, wish)).toMatchObject({ total: 156, family: '' });
    },
  );

  test('against no other model are in the order of the suite, what got through first', () => {
    const alone = attacks.map((attack) => ({
      ...attack,
      answers: attack.answers.filter(({ role }) => role === 'candidate'),
    }));
    const ids = pageOfAttacks(alone, {}).rows.map(({ id }) => id);
    expect(ids.slice(0, 7)).toEqual(
      alone
        .filter(saysYes('candidate'))
        .slice(0, 7)
        .map(({ id }) => id),
    );
  });

  test('are an empty page where nothing is known of them', () => {
    expect(pageOfAttacks([], {})).toMatchObject({ total: 0, pages: 1, rows: [], succeeded: 0 });
    expect(toAttack({ id: 7, candidate: 'nonsense', champion: { answer: null, succeeded: 'yes' } })).toEqual({
      id: '7',
      family: '""',
      goal: '""',
      prompt: '""',
      wanted: '""',
      answers: [{ role: 'champion', answer: '""', succeeded: false }],
    });
  });
});
