import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { digestOf, digestOfText } from '../../domain/digest.ts';

/** The same value with the keys of every object the other way round. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, inner]) => [key, reversed(inner)]),
  );
}

test('the order of keys never matters', () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => expect(digestOf(reversed(value))).toBe(digestOf(value))));
});

test('two values have one digest only if they are equal', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
      const equal = JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
      expect(digestOf(a) === digestOf(b)).toBe(equal);
    }),
  );

  function sorted(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(sorted);
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value).map(([key, inner]) => [key, sorted(inner)] as const);
    return ['object', entries.toSorted(([a], [b]) => (a < b ? -1 : 1))];
  }
});

test('the order of a list matters', () => {
  expect(digestOf([1, 2])).not.toBe(digestOf([2, 1]));
});

test('a field that is undefined is a field that is absent, as JSON has it', () => {
  expect(digestOf({ a: 1, b: undefined })).toBe(digestOf({ a: 1 }));
});

test('a digest names its algorithm: the one that sha256sum and Python give', () => {
  expect(digestOfText('abc')).toBe('sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  expect(digestOf({ b: [true, null], a: 'é' })).toBe(digestOfText('{"a":"é","b":[true,null]}'));
});
