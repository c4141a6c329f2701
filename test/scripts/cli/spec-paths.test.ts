import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { rootPaths } from '../../../scripts/cli/spec-paths.ts';
import { repository } from '../../support/stack.ts';

const spec = {
  model: 'summaries',
  baseModel: 'packaged:SmolLM2-135M-Instruct',
  data: { path: 'examples/data/package-descriptions.jsonl', input: ['description'] },
  prompt: { name: 'a', path: 'nowhere.txt' },
  evaluate: { examples: 8, harness: { tasks: ['a'], includePath: 'examples' } },
};

test('what lies under the root is named in full, and the rest is left to the check', () => {
  expect(rootPaths(spec, repository)).toEqual({
    ...spec,
    data: { ...spec.data, path: join(repository, spec.data.path) },
    evaluate: { ...spec.evaluate, harness: { tasks: ['a'], includePath: join(repository, 'examples') } },
  });
  expect(rootPaths({ baseModel: 'domain' }, repository)).toEqual({ baseModel: join(repository, 'domain') });
});

test.each([{}, { data: 7, prompt: null, evaluate: [] }, { data: {} }])(
  'a spec that is wrong stays as wrong as it was: %j',
  (wrong) => {
    expect(rootPaths(wrong, repository)).toEqual(wrong);
  },
);

test('without a root nothing changes', () => {
  expect(rootPaths(spec, undefined)).toEqual(spec);
});
