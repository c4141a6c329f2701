import { expect, test } from '@jest/globals';
import { createEvidenceActivities } from '../../activities/evidence.ts';
import { digestOfText } from '../../domain/digest.ts';
import { evidenceOn } from '../../domain/gate/evidence.ts';
import { artifact, fakeArtifacts } from '../builders/artifacts.ts';
import { between, evidenceOf, sliceOf } from '../builders/evidence.ts';
import { activityEnvironment } from '../support/temporal.ts';

const bleu = between(9, 11);
const evidence = evidenceOf({ candidate: { bleu }, fromChampion: { bleu }, slices: [sliceOf('long', { bleu })] });
const text = JSON.stringify(evidence, null, 2);
const { uri } = artifact('evidence.json');

const read = (stored: string) => {
  const { readEvidence } = createEvidenceActivities({ artifacts: fakeArtifacts([], { [uri]: stored }) });
  return activityEnvironment().run(readEvidence, { uri, digest: digestOfText(text) }, ['bleu'] as const);
};

test('the evidence that was reported is read', async () => {
  expect(await read(text)).toEqual(evidence);
});

test('of evidence on much, that on the metrics asked for comes back, in models, differences and slices', () => {
  const rougeL = between(0.1, 0.2);
  const much = evidenceOf({
    candidate: { bleu, rougeL },
    fromChampion: { rougeL, bleu },
    slices: [sliceOf('long', { bleu, rougeL })],
  });
  expect(evidenceOn(['bleu'], much)).toEqual(evidence);
  expect(evidenceOn(['bleu', 'rougeL'], much)).toEqual(much);
});

test('the directions of other metrics stay where they are', () => {
  const directions = { 'harness/a/acc': 'higher', 'harness/b/ppl': 'lower' } as const;
  expect(evidenceOn(['harness/b/ppl'], { ...evidence, directions }).directions).toEqual({ 'harness/b/ppl': 'lower' });
});

test.each([
  ['that says something else', JSON.stringify(evidenceOf({ candidate: { bleu: between(90, 99) } }))],
  ['that says the same in other bytes', JSON.stringify(evidence)],
  ['that is no JSON', text.slice(0, 20)],
])('evidence %s is refused for good, by its place', async (_what, stored) => {
  await expect(read(stored)).rejects.toMatchObject({
    type: 'BadEvidence',
    nonRetryable: true,
    message: expect.stringContaining(uri),
  });
});
