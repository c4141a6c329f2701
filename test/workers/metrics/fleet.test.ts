import { expect, test } from '@jest/globals';
import { recordTag, tags } from '../../../domain/lineage/tracking.ts';
import { standingOf } from '../../../workers/metrics/fleet.ts';

const dayMs = 86_400_000;
const standing = (version: Readonly<Record<string, string>>, model: Readonly<Record<string, string>> = {}) =>
  standingOf({ name: 'words', tags: model, champion: { version: '3', createdAtMs: 0, tags: version } }, 40 * dayMs);

test.each<[string, string | undefined, number | undefined]>([
  ['a spec says how old it may be', JSON.stringify({ spec: { refresh: { maximumAgeDays: 30 } } }), 30],
  ['a spec says nothing', JSON.stringify({ spec: {} }), undefined],
  ['there are no terms', undefined, undefined],
  ['other hands wrote them', 'null {', undefined],
])('of a champion for which %s', (_what, terms, expected) => {
  expect(standing(terms === undefined ? {} : { [tags.releaseTerms]: terms })).toMatchObject({
    ageDays: 40,
    maximumAgeDays: expected,
  });
});

test('a record that can not be read names another champion than the alias', () => {
  expect(
    standing(
      {},
      { [recordTag('main')]: '{"champion":{"version":"3"}}', [recordTag('other')]: 'null', [recordTag('torn')]: '{' },
    ),
  ).toMatchObject({ agreeing: ['main'], disagreeing: ['other', 'torn'] });
});
