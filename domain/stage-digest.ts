import { digestOf } from './digest.ts';
import type { StageSpec } from './job-request.ts';

/** What reuse goes by: a stage with the same digest has been done. Apart, because it hashes, and a workflow must not. */
export const stageDigestOf = (spec: StageSpec, inputDigests: readonly string[]): string => digestOf({ spec, inputs: inputDigests });
