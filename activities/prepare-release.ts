import { ApplicationFailure } from '@temporalio/activity';
import type { ArtifactStore } from '../domain/artifact-store.ts';
import { SmokeTestError, type EndpointHost, type Release, type Trial } from '../domain/endpoint/release.ts';

/** Returns the first held-out prompts of a prepared data set. */
export async function heldOutPrompts(
  artifacts: Pick<ArtifactStore, 'readLines'>,
  dataset: string,
  count: number,
): Promise<string[]> {
  return (await firstLines<{ prompt: string }>(artifacts, `${dataset}/heldout.jsonl`, count)).map(
    ({ prompt }) => prompt,
  );
}

/** Returns the first `count` lines of JSON that are wanted. */
export async function firstLines<T>(
  artifacts: Pick<ArtifactStore, 'readLines'>,
  uri: string,
  count: number,
  wanted: (line: T) => boolean = () => true,
): Promise<T[]> {
  const found: T[] = [];
  if (count === 0) return found;
  for await (const line of artifacts.readLines(uri)) {
    const parsed = JSON.parse(line) as T;
    if (wanted(parsed)) found.push(parsed);
    if (found.length === count) break;
  }
  return found;
}

/**
 * Starts a release only if its weights are the approved ones, and waits for its first answer. Fails without a retry as
 * `DigestMismatch` or `SmokeTestError`.
 */
export async function prepareApproved(
  { artifacts, endpoints }: { readonly artifacts: Pick<ArtifactStore, 'digest'>; readonly endpoints: EndpointHost },
  release: Release,
  trial: Trial,
): Promise<void> {
  const digest = await artifacts.digest(release.weights.uri);
  if (digest !== release.weights.digest)
    throw ApplicationFailure.nonRetryable(
      `The weights at ${release.weights.uri} are not the ones that were approved: their digest is ${digest}.`,
      'DigestMismatch',
    );
  await endpoints.prepare(release, trial).catch((error: unknown) => {
    if (error instanceof SmokeTestError) throw ApplicationFailure.nonRetryable(error.message, error.name);
    throw error;
  });
}
