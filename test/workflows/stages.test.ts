import { expect, test } from '@jest/globals';
import { evaluateSpec, exploreSpec, prepareSpec } from '../../workflows/stages.ts';
import { artifact } from '../builders/artifacts.ts';
import { inputs } from '../builders/inputs.ts';
import { aSpec } from '../builders/specs.ts';

const evaluate = { examples: 16 };

test('without slices and attacks a held-out example keeps no column', () => {
  expect(prepareSpec(aSpec(), inputs())).toHaveProperty('keepColumns', undefined);
});

test.each([
  [{ slices: ['source'] }, ['source']],
  [{ attacks: true }, ['description']],
  [{ slices: ['source', 'description'], attacks: true }, ['source', 'description']],
])('for %j a held-out example keeps %j', (change, keepColumns) => {
  expect(prepareSpec(aSpec({ evaluate: { ...evaluate, ...change } }), inputs())).toMatchObject({ keepColumns });
});

test('attacks stand in the prompt of the lifecycle', () => {
  const spec = (attacks: boolean) =>
    evaluateSpec(aSpec({ evaluate: { ...evaluate, attacks } }), inputs(), artifact('dataset'), {});
  expect(spec(true)).toMatchObject({ attacks: { template: 'Summarize: {{description}}', input: ['description'] } });
  expect(spec(false)).toHaveProperty('attacks', undefined);
});

test('a judge is the one of the spec', () => {
  const judge = { model: 'org/judge', address: 'https://judge.example/v1' };
  expect(evaluateSpec(aSpec({ evaluate: { ...evaluate, judge } }), inputs(), artifact('dataset'), {})).toMatchObject({
    judge,
  });
  expect(evaluateSpec(aSpec(), inputs(), artifact('dataset'), {})).not.toHaveProperty('judge');
});

test('what is only for readers makes no other Job: the currency of its cost', () => {
  const spec = (change: object) =>
    evaluateSpec(aSpec({ evaluate: { ...evaluate, costPerHour: 2, ...change } }), inputs(), artifact('dataset'), {});
  expect(spec({ currency: 'EUR' })).toEqual(spec({}));
  expect(spec({})).toMatchObject({ costPerHour: 2 });
});

test('tasks are looked up before anything is trained, and what is only of their run changes no other stage', () => {
  const withTasks = aSpec({
    evaluate: { ...evaluate, harness: { tasks: ['piqa', 'own'], limit: 5, includePath: 'tasks' } },
  });
  const fixed = inputs({ harnessTasks: artifact('tasks') });
  const harness = { tasks: ['piqa', 'own'], includePath: artifact('tasks') };
  expect(exploreSpec(withTasks, fixed)).toEqual({ ...exploreSpec(aSpec(), inputs()), harness });
  expect(prepareSpec(withTasks, fixed)).toEqual(prepareSpec(aSpec(), inputs()));
  expect(evaluateSpec(withTasks, fixed, artifact('dataset'), {})).toMatchObject({ harness: { ...harness, limit: 5 } });
});

test('without tasks no stage is told of the harness', () => {
  for (const spec of [exploreSpec(aSpec(), inputs()), evaluateSpec(aSpec(), inputs(), artifact('dataset'), {})])
    expect(spec).toHaveProperty('harness', undefined);
});

test('probes are looked up before anything is trained, too', () => {
  const garak = { probes: ['dan'] };
  const spec = aSpec({ evaluate: { ...evaluate, garak } });
  expect(exploreSpec(spec, inputs())).toEqual({ ...exploreSpec(aSpec(), inputs()), garak });
  expect(evaluateSpec(spec, inputs(), artifact('dataset'), {})).toMatchObject({ garak });
});
