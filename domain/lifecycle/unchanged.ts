import { digestOf } from '../digest.ts';
import type { LifecycleSpec } from '../spec/lifecycle-spec.ts';
import type { LifecycleInputs } from './lifecycle.ts';

/** The inputs that determine a model version: the prompt as text, everything else as a digest. */
export type Origins = Readonly<Record<'data' | 'base model' | 'code' | 'prompt' | 'settings', string>>;

/** A version that was refused earlier and has the same origins, with the reason. */
export interface RefusedBefore {
  readonly version: string;
  readonly reason: string;
}

export const refusedBefore = (version: string, refusal: string): RefusedBefore => ({
  version,
  reason: `Version ${version} came from just this, and was refused: ${refusal}\nWith "skip": "never" it is tried again.`,
});

/** True if a lifecycle from `now` would repeat the one from `before`. An unknown origin counts as changed. */
export const isUnchanged = (before: Partial<Origins>, now: Origins): boolean =>
  Object.entries(now).every(([name, value]) => before[name as keyof Origins] === value);

/**
 * Digest of the settings that determine the result. Excluded are the requester, the settings for reuse, skipping and
 * tracking, and the paths of files: only the content of a file counts.
 */
export function digestOfSettings(
  spec: LifecycleSpec,
  { harnessTasks, gpusPerNode }: Pick<LifecycleInputs, 'harnessTasks' | 'gpusPerNode'>,
): string {
  const {
    $schema: _schema,
    requester: _requester,
    reuse: _reuse,
    skip: _skip,
    tracking: _tracking,
    data,
    prompt,
    ...settings
  } = spec;
  const { path: _dataPath, ...columns } = data;
  return digestOf({ ...settings, data: columns, prompt: prompt.name, harnessTasks: harnessTasks?.digest, gpusPerNode });
}
