import { expect, test } from '@jest/globals';
import { jobSpecSchema } from '../../../domain/job/job-spec.ts';
import { entryOf, findStage, jobStageNames, jobStages, lifecycleStages } from '../../../domain/job/stages.ts';

const score = {
  module: 'team.score',
  usesGpu: false,
  longRunning: false,
  distributed: false,
  outputs: ['scores'],
  folders: ['output'],
} as const;

test('the job stages open the lifecycle, and review and deploy close it', () => {
  expect(lifecycleStages).toEqual([...jobStageNames, 'review', 'deploy']);
});

test.each(jobStageNames)('the spec of %s has a field for each folder that the stage table gives it', (name) => {
  const schema = jobSpecSchema.options.find(({ shape }) => shape.stage.value === name);
  expect(Object.keys(schema?.shape ?? {})).toEqual(expect.arrayContaining([...jobStages[name].folders]));
});

test('a stage of the product runs by its name, and an own stage by its module', () => {
  expect(entryOf('tune')).toBe('tune');
  expect(entryOf('score', { ...jobStages, score })).toBe('team.score');
  expect(findStage('score')).toBeUndefined();
});
