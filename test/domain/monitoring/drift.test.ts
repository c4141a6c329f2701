import { describe, expect, test } from '@jest/globals';
import { embeddingDrift, lengthDrift, type Drift } from '../../../domain/monitoring/drift.ts';
import { profileOf, type Example, type TrainingProfile } from '../../../domain/monitoring/training-profile.ts';
import { embed } from '../../../domain/monitoring/text-embedding.ts';
import { someExamples } from '../../builders/traffic.ts';
import { seeded } from '../../faults/faults.ts';

const driftsOf = (
  profile: TrainingProfile,
  window: readonly Example[],
): Record<'prompts' | 'answers' | 'embeddings', Drift> => ({
  prompts: lengthDrift(
    profile.promptCharacters,
    window.map(({ prompt }) => prompt.length),
  ),
  answers: lengthDrift(
    profile.answerCharacters,
    window.map(({ completion }) => completion.length),
  ),
  embeddings: embeddingDrift(
    profile.promptEmbedding,
    profile.examples,
    window.map(({ prompt }) => embed(prompt)),
  ),
});

describe('where nothing drifts', () => {
  // Both sides are drawn anew each time: the noise of the reference is part of what is stated.
  test.each([
    [200, 50],
    [60, 200],
  ])(
    'of 200 pairs of %d training examples and %d requests no more than 1 in 100 lie beyond noise, but for chance',
    (examples, requests) => {
      const random = seeded(examples + requests);
      const beyond = { prompts: 0, answers: 0, embeddings: 0 };
      const sizes = { prompts: 0, answers: 0, embeddings: 0 };
      for (let trial = 0; trial < 200; trial++)
        for (const [what, drift] of Object.entries(
          driftsOf(profileOf(someExamples(examples, random), 'd'), someExamples(requests, random)),
        )) {
          beyond[what as keyof typeof beyond] += drift.beyondNoise ? 1 : 0;
          sizes[what as keyof typeof sizes] += drift.size / 200;
        }
      // Of 200 at 1 in 100, 7 or more are there in 1 of 230 cases; the seed stays.
      for (const count of Object.values(beyond)) expect(count).toBeLessThan(7);
      // What noise adds on average is taken off: without that the index would lie at 9 · (1/n + 1/m).
      expect(Math.max(sizes.prompts, sizes.answers)).toBeLessThan(0.12);
      expect(sizes.embeddings).toBeLessThan(0.12);
    },
  );
});

describe('planted drift is found', () => {
  const random = seeded(7);
  const profile = profileOf(someExamples(1000, random), 'd');
  const found = (planted: Parameters<typeof someExamples>[2], requests: number) =>
    driftsOf(profile, someExamples(requests, random, planted));

  test.each([
    ['longer', 1.5],
    ['shorter', 0.5],
  ])('prompts and answers that become %s, by a factor of %d', (_how, longer) => {
    for (const drift of [found({ longer }, 100).prompts, found({ longer }, 100).answers]) {
      expect(drift.beyondNoise).toBe(true);
      expect(drift.size).toBeGreaterThan(0.25);
    }
  });

  test('a fifth of the prompts about something else, of the same length', () => {
    const drift = driftsOf(profile, [
      ...someExamples(160, random),
      ...Array.from({ length: 40 }, (_, i) => ({
        prompt: `wie komme ich ${i} mal nach Freiburg, und was kostet das?`,
        completion: 'x',
      })),
    ]).embeddings;
    expect(drift.beyondNoise).toBe(true);
    expect(drift.size).toBeGreaterThan(0.2);
  });

  test('but not taken for large where it is small, however many requests show it', () => {
    const { prompts, embeddings } = found({ longer: 1.1 }, 3000);
    expect(prompts.beyondNoise).toBe(true);
    expect(Math.max(prompts.size, embeddings.size)).toBeLessThan(0.15);
  });
});

describe('where the training data has one length alone', () => {
  const { answerCharacters } = profileOf(
    Array.from({ length: 100 }, () => ({ prompt: 'Is it spam?', completion: 'yes' })),
    'd',
  );

  test.each([1, 300])('answers of %d characters are found', (length) => {
    expect(lengthDrift(answerCharacters, new Array<number>(60).fill(length))).toMatchObject({
      beyondNoise: true,
      size: expect.closeTo(10, -1),
    });
  });

  test('the same answers are no drift', () => {
    expect(lengthDrift(answerCharacters, new Array<number>(60).fill(3))).toEqual({ size: 0, beyondNoise: false });
  });
});

test('an index worked by hand', () => {
  // Shares with a half added: 10.5 / 21 twice, and 15.5 / 21, 5.5 / 21; noise takes off 1 · (1/20 + 1/20).
  const byHand = (15.5 / 21 - 0.5) * Math.log(15.5 / 10.5) + (5.5 / 21 - 0.5) * Math.log(5.5 / 10.5);
  const window = [...new Array<number>(15).fill(1), ...new Array<number>(5).fill(9)];
  expect(lengthDrift({ edges: [5], counts: [10, 10] }, window).size).toBeCloseTo(byHand - 0.1, 10);
});

test('a distance worked by hand', () => {
  // 0.6 apart in one dimension, where an embedding varies by 1: less 1/100 + 1/100 of noise.
  const mean = [0.2, ...new Array<number>(63).fill(0)];
  const window = Array.from({ length: 100 }, () => mean.map((x) => (x === 0 ? 0 : 0.8)));
  expect(embeddingDrift({ mean, spread: 1, degrees: 30 }, 100, window).size).toBeCloseTo(Math.sqrt(0.36 - 0.02), 10);
});
