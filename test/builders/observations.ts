import type { Observation } from '../../domain/endpoint/release.ts';

/** A request that was answered well, and what the test changes in it. */
export const observation = (change: Partial<Observation> = {}): Observation => ({
  id: 'request',
  atMs: 0,
  release: 'release',
  status: 200,
  ms: 100,
  promptCharacters: 100,
  answerCharacters: 40,
  completionTokens: 10,
  refused: false,
  repetition: 0,
  ...change,
});

/** So many of one kind. */
export const times = (count: number, change: Partial<Observation> = {}): Observation[] =>
  Array.from({ length: count }, () => observation(change));
