import { MlflowError } from './errors.ts';
import { type Tags } from './tags.ts';

/**
 * One clause per tag, in MLflow's search language. Some databases ignore case, so the caller must compare the results
 * again.
 */
export function tagsEqual(tags: Tags): string[] {
  return Object.entries(tags).map(([key, value]) => `tags.\`${tagKey(key)}\` = ${literal(value)}`);
}

/** Quotes a value. MLflow has no escapes, so a value with both kinds of quotes throws `rejected`. */
export function literal(value: string): string {
  if (!value.includes("'")) return `'${value}'`;
  if (!value.includes('"')) return `"${value}"`;
  throw new MlflowError('rejected', "MLflow can't search for a value that holds both kinds of quotes");
}

/** Checks a tag's key, because MLflow has no escapes for keys either. */
export function tagKey(key: string): string {
  if (/^[\w./ -]+$/.test(key)) return key;
  throw new MlflowError('rejected', "an MLflow tag's key is made of letters, digits, and _ - . / or blanks");
}
