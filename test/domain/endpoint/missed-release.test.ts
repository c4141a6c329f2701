import { expect, test } from '@jest/globals';
import { describeMissed, missedReleases } from '../../../domain/endpoint/missed-release.ts';
import type { RegisteredModel } from '../../../domain/lineage/tracking.ts';

const record = (version: string, model = 'm'): string =>
  JSON.stringify({
    champion: {
      endpoint: 'e',
      model,
      version,
      weights: { uri: 'u', digest: 'd' },
      prompt: { name: 'p', version: '1' },
    },
  });
const model = (alias: string | undefined, tags: Readonly<Record<string, string>>): RegisteredModel => ({
  name: 'm',
  tags,
  aliases: alias === undefined ? {} : { champion: alias },
});

test.each<[string, RegisteredModel, string[]]>([
  ['the alias as recorded', model('1', { 'tuneline.release.e': record('1') }), []],
  [
    'the alias moved',
    model('2', { 'tuneline.release.e': record('1') }),
    ['champion of m names version 2, and e serves version 1'],
  ],
  [
    'the alias gone',
    model(undefined, { 'tuneline.release.e': record('1') }),
    ['champion of m is gone, and e serves version 1'],
  ],
  ['a model that no endpoint serves', model('2', { team: 'x' }), []],
  [
    'a record that is none',
    model('2', { 'tuneline.release.e': 'by hand', 'tuneline.release.f': 'null', 'tuneline.release.g': '{}' }),
    [],
  ],
  ['a record of another model', model('2', { 'tuneline.release.e': record('1', 'other') }), []],
])('%s', (_name, given, missed) => {
  expect(missedReleases([given]).map(describeMissed)).toEqual(missed);
});
