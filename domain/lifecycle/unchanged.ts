import { digestOf } from '../digest.ts';
import type { LifecycleSpec } from '../spec/lifecycle-spec.ts';
import type { LifecycleInputs } from './lifecycle.ts';

/** What a model version follows from: the text of its prompt, of everything else the digest. */
export type Origins = Readonly<Record<'data' | 'base model' | 'code' | 'prompt' | 'settings', string>>;

/** A version that came from the same and is not to be made again, and why. */
export interface RefusedBefore {
  readonly version: string;
  readonly reason: string;
}

export const refusedBefore = (version: string, refusal: string): RefusedBefore => ({
  version,
  reason: `Version ${version} came from just this, and was refused: ${refusal}\nWith "skip": "never" it is tried again.`,
});

/** Whether a lifecycle from `now` could only come to what came from `before`. What is not known of `before` counts as changed. */
export const isUnchanged = (before: Partial<Origins>, now: Origins): boolean =>
  Object.entries(now).every(([name, value]) => before[name as keyof Origins] === value);

/**
 * Of all that a spec says about the result: who asks, what may be reused or skipped and where curves are sent is none of it, and of
 * files what is in them counts, not where they lie.
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
