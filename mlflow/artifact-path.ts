import { MlflowError } from './errors.ts';

/**
 * Letters of any script, digits and a few signs. No percent sign, because the server decodes escapes, even nested ones.
 * No blank at either end, because a reader that trims would turn ` ..` into dots.
 */
const SEGMENT = /^(?! )[\p{L}\p{M}\p{N} ._@+=,()-]+(?<! )$/u;
const DOTS = /^\.+$/;

/**
 * The URL-encoded path of an entry inside a run's artifact folder. Throws `rejected` for a path that could lead out of
 * it (absolute, `..`, backslash, escaped dots) or that MLflow can't store (`#` makes it answer 500).
 */
export function artifactPath(path: string): string {
  const segments = path.split('/');
  if (!segments.every((segment) => SEGMENT.test(segment) && !DOTS.test(segment))) {
    throw new MlflowError('rejected', `not a path inside a run's artifacts: ${JSON.stringify(path.slice(0, 200))}`);
  }
  return segments.map(encodeURIComponent).join('/');
}
