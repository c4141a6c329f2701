import type { JobOutcome } from '../domain/job/job.ts';
import { tags } from '../domain/lineage/tracking.ts';
import type { Dependencies } from './dependencies.ts';

export type JobSuccess = Extract<JobOutcome, { readonly kind: 'succeeded' }>;

/** Returns the newest success of a stage with this digest, if all its outputs still exist. Changes nothing. */
export async function findReusable(
  experiment: string,
  stageDigest: string,
  { tracking, artifacts }: Pick<Dependencies, 'tracking' | 'artifacts'>,
): Promise<JobSuccess | undefined> {
  const run = await tracking.findFinishedRun(experiment, { key: tags.stageDigest, value: stageDigest });
  const recorded = run?.tags[tags.outcome];
  if (recorded === undefined || run?.tags[tags.removed]) return undefined;
  const outcome = JSON.parse(recorded) as JobOutcome;
  if (outcome.kind !== 'succeeded') return undefined;
  const there = await Promise.all(Object.values(outcome.outputs).map(({ uri }) => artifacts.exists(uri)));
  return there.every(Boolean) ? outcome : undefined;
}
