import { checkLifecycleSpec, type Problem } from '../../../domain/spec/explain-spec.ts';
import { specInput } from '../../builders/specs.ts';

export function problemsOf(raw: unknown): readonly Problem[] {
  const check = checkLifecycleSpec(raw);
  return check.ok ? [] : check.problems;
}

/** A spec as a person may have typed it: fields that TypeScript would refuse take the place of right ones. */
export const mistyped = (change: Record<string, unknown>): unknown => ({ ...specInput(), ...change });
