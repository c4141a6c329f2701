import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { digestOf } from '../../../domain/digest.ts';
import { changesBetween } from '../../../domain/spec/spec-changes.ts';

const spec = {
  model: 'a',
  tune: { steps: 10, rank: 8 },
  data: { input: ['x', 'y'] },
  gate: [{ rule: 'atLeast', value: 1 }],
};

test('each field that differs is named, with what it was and is', () => {
  const later = {
    model: 'a',
    tune: { steps: 20, rank: 8, alpha: 4 },
    data: { input: ['x'] },
    gate: [
      { rule: 'atLeast', value: 2 },
      { rule: 'atMost', value: 3 },
    ],
  };
  expect(changesBetween(spec, later)).toEqual([
    { path: 'tune.steps', before: 10, after: 20 },
    { path: 'tune.alpha', before: undefined, after: 4 },
    { path: 'data.input', before: ['x', 'y'], after: ['x'] },
    { path: 'gate[0].value', before: 1, after: 2 },
    { path: 'gate[1]', before: undefined, after: { rule: 'atMost', value: 3 } },
  ]);
});

test('what was taken away is named, too', () => {
  const { tune: _tune, ...less } = spec;
  expect(changesBetween(spec, less)).toEqual([{ path: 'tune', before: spec.tune, after: undefined }]);
});

test('nothing differs exactly where the specs say the same', () => {
  const json = fc.jsonValue({ maxDepth: 3 });
  fc.assert(fc.property(json, (value) => expect(changesBetween(value, structuredClone(value))).toEqual([])));
  fc.assert(
    fc.property(json, json, (a, b) =>
      expect(changesBetween({ a }, { a: b }).length > 0).toBe(digestOf(a) !== digestOf(b)),
    ),
  );
});
