import { describe, expect, test } from '@jest/globals';
import type { LifecycleSpecInput } from '../../../domain/spec/lifecycle-spec.ts';
import { digestOfSettings, isUnchanged, type Origins } from '../../../domain/lifecycle/unchanged.ts';
import { artifact } from '../../builders/artifacts.ts';
import { aSpec } from '../../builders/specs.ts';

const origins: Origins = { data: 'd', 'base model': 'b', code: 'c', prompt: 'p', settings: 's' };

test('equal origins are unchanged', () => {
  expect(isUnchanged({ ...origins }, origins)).toBe(true);
});

test.each(Object.keys(origins) as (keyof Origins)[])(
  'another %s is a change, and so is one that nothing is known of',
  (name) => {
    expect(isUnchanged({ ...origins, [name]: 'another' }, origins)).toBe(false);
    const { [name]: _unknown, ...rest } = origins;
    expect(isUnchanged(rest, origins)).toBe(false);
  },
);

describe('the settings', () => {
  const spec = aSpec();
  const digest = digestOfSettings(spec, {});

  test.each<[string, Partial<LifecycleSpecInput>]>([
    ['who asks', { requester: 'ada' }],
    ['what may be reused', { reuse: 'never' }],
    ['what may be skipped', { skip: 'whenUnchanged' }],
    ['where curves go', { tracking: ['mlflow', 'wandb'] }],
    ['where the schema lies', { $schema: 'elsewhere' }],
    ['where the data lies', { data: { ...spec.data, path: 'elsewhere.jsonl' } }],
    ['where the prompt lies', { prompt: { ...spec.prompt, path: 'elsewhere.txt' } }],
  ])('are the same whatever %s', (_what, change) => {
    expect(digestOfSettings(aSpec(change), {})).toBe(digest);
  });

  test.each<[string, Partial<LifecycleSpecInput>]>([
    ['the seed', { seed: 8 }],
    ['the steps', { tune: { steps: 11 } }],
    ['the columns', { data: { ...spec.data, target: 'description2' } }],
    ["the prompt's name", { prompt: { ...spec.prompt, name: 'another' } }],
    ['the gate', { gate: [{ rule: 'atLeast', metric: 'bleu', value: 6 }] }],
    ['who reviews', { review: { by: 'person' } }],
    ['the endpoint', { deploy: { endpoint: 'another' } }],
  ])('are others with %s', (_what, change) => {
    expect(digestOfSettings(aSpec(change), {})).not.toBe(digest);
  });

  test("and with the team's own tasks, or more GPUs", () => {
    const others = [
      digestOfSettings(spec, { harnessTasks: artifact('tasks') }),
      digestOfSettings(spec, { harnessTasks: artifact('edited') }),
      digestOfSettings(spec, { gpusPerNode: 8 }),
    ];
    expect(new Set([digest, ...others]).size).toBe(4);
  });
});
