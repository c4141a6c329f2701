import { expect, test } from '@jest/globals';
import { stageDigestOf } from '../../../domain/digest.ts';
import type { StageSpec } from '../../../domain/job/job-request.ts';
import type { LifecycleSpec } from '../../../domain/spec/lifecycle-spec.ts';
import { tags, type RegisteredVersion, type Tracking } from '../../../domain/lineage/tracking.ts';
import { planStages } from '../../../scripts/plan/stages.ts';
import { evaluateSpec, exploreSpec, inputDigestsOf, prepareSpec, tuneSpec } from '../../../workflows/stages.ts';
import { artifact, fakeArtifacts } from '../../builders/artifacts.ts';
import { inputs } from '../../builders/inputs.ts';
import { succeeded } from '../../builders/job-reports.ts';
import { aSpec } from '../../builders/specs.ts';
import { fakeTracking } from '../../builders/tracking.ts';

const [dataset, model, base] = [artifact('dataset'), artifact('model'), inputs().baseModel];
const done = (spec = aSpec()): readonly (readonly [StageSpec, string])[] => [
  [exploreSpec(spec, inputs()), 'profile'],
  [prepareSpec(spec, inputs()), 'dataset'],
  [tuneSpec(spec, inputs(), dataset), 'model'],
  [evaluateSpec(spec, inputs(), dataset, { base, candidate: model }), 'evidence'],
];

interface Earlier {
  readonly stages?: readonly (readonly [StageSpec, string])[];
  readonly stored?: readonly string[];
  readonly champion?: RegisteredVersion;
}

/** Of each stage whether it would be reused, where these were done before. */
async function planned(
  spec: LifecycleSpec,
  { stages = done(), stored = ['profile', 'dataset', 'model', 'evidence'], champion }: Earlier = {},
): Promise<Record<string, boolean>> {
  const known = new Map(
    stages.map(([stage, left]) => [stageDigestOf(stage, inputDigestsOf(inputs())), succeeded(left).outcome]),
  );
  const { tracking, changes } = fakeTracking(champion ? { champion } : {});
  const findFinishedRun: Tracking['findFinishedRun'] = (_experiment, { value }) =>
    Promise.resolve(
      known.has(value) ? { runId: 'earlier', tags: { [tags.outcome]: JSON.stringify(known.get(value)) } } : undefined,
    );
  const plan = await planStages(spec, inputs(), {
    tracking: { ...tracking, findFinishedRun },
    artifacts: fakeArtifacts(stored),
  });
  expect(changes).toEqual([]);
  return Object.fromEntries(plan.map(({ stage, reused }) => [stage, reused]));
}

test('what was done before with the same digests is reused', async () => {
  expect(await planned(aSpec())).toEqual({ explore: true, prepare: true, tune: true, evaluate: true });
});

test('a changed setting reaches what comes after it, and nothing before', async () => {
  expect(await planned(aSpec({ tune: { steps: 11 } }))).toEqual({
    explore: true,
    prepare: true,
    tune: false,
    evaluate: false,
  });
  expect(await planned(aSpec({ evaluate: { examples: 17 } }))).toEqual({
    explore: true,
    prepare: true,
    tune: true,
    evaluate: false,
  });
  expect(await planned(aSpec({ seed: 8 }))).toEqual({ explore: false, prepare: false, tune: false, evaluate: false });
  expect(await planned(aSpec({ gate: [{ rule: 'atLeast', metric: 'bleu', value: 6 }] }))).toEqual({
    explore: true,
    prepare: true,
    tune: true,
    evaluate: true,
  });
});

test('another champion is another evaluation, and the candidate itself is none', async () => {
  expect(await planned(aSpec(), { champion: { version: '1', weights: artifact('earlier') } })).toMatchObject({
    tune: true,
    evaluate: false,
  });
  expect(await planned(aSpec(), { champion: { version: '1', weights: model } })).toMatchObject({ evaluate: true });
});

test('what was removed since is made again', async () => {
  expect(await planned(aSpec(), { stored: ['profile', 'dataset', 'evidence'] })).toEqual({
    explore: true,
    prepare: true,
    tune: false,
    evaluate: false,
  });
});

test('where the spec wants no reuse, there is none', async () => {
  expect(await planned(aSpec({ reuse: 'never' }))).toEqual({
    explore: false,
    prepare: false,
    tune: false,
    evaluate: false,
  });
});
