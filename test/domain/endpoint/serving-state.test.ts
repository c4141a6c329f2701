import { expect, test } from '@jest/globals';
import { isSameRelease, promote } from '../../../domain/endpoint/serving-state.ts';
import { releaseOf } from '../../builders/releases.ts';

test('what is promoted has the champion before it; the first has none', () => {
  expect(promote(releaseOf('1'), {})).toEqual({ champion: releaseOf('1') });
  expect(promote(releaseOf('3'), { champion: releaseOf('2'), previous: releaseOf('1') })).toEqual({
    champion: releaseOf('3'),
    previous: releaseOf('2'),
  });
});

test('a version with another prompt does not become its own predecessor', () => {
  const reworded = releaseOf('2', { prompt: { name: 'summarize', version: '9' } });
  expect(promote(reworded, { champion: releaseOf('2'), previous: releaseOf('1') })).toEqual({
    champion: reworded,
    previous: releaseOf('1'),
  });
});

test('two releases are the same in whatever order their fields came, and differ by any of them', () => {
  const { endpoint, model, version, weights, prompt } = releaseOf('1');
  expect(
    isSameRelease(releaseOf('1'), {
      prompt: { version: prompt.version, name: prompt.name },
      weights,
      version,
      model,
      endpoint,
    }),
  ).toBe(true);
  for (const change of [
    { version: '2' },
    { model: 'others' },
    { weights: { ...weights, digest: 'sha256:b' } },
    { prompt: { ...prompt, version: '2' } },
  ])
    expect(isSameRelease(releaseOf('1'), releaseOf('1', { weights, ...change }))).toBe(false);
});
