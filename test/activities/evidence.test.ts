import { expect, test } from '@jest/globals';
import { createEvidenceActivities } from '../../activities/evidence.ts';
import { digestOfText } from '../../domain/digest.ts';
import { artifact, fakeArtifacts } from '../builders/artifacts.ts';
import { between, evidenceOf } from '../builders/evidence.ts';
import { activityEnvironment } from '../support/temporal.ts';

const evidence = evidenceOf({ candidate: { bleu: between(9, 11) } });
const text = JSON.stringify(evidence, null, 2);
const { uri } = artifact('evidence.json');

const read = (stored: string) => {
  const { readEvidence } = createEvidenceActivities({ artifacts: fakeArtifacts([], { [uri]: stored }) });
  return activityEnvironment().run(readEvidence, { uri, digest: digestOfText(text) });
};

test('the evidence that was reported is read', async () => {
  expect(await read(text)).toEqual(evidence);
});

test.each([
  ['that says something else', JSON.stringify(evidenceOf({ candidate: { bleu: between(90, 99) } }))],
  ['that says the same in other bytes', JSON.stringify(evidence)],
  ['that is no JSON', text.slice(0, 20)],
])('evidence %s is refused for good, by its place', async (_what, stored) => {
  await expect(read(stored)).rejects.toMatchObject({ type: 'BadEvidence', nonRetryable: true, message: expect.stringContaining(uri) });
});
