import { MlflowError } from './errors.ts';

/** Tags or params by key. */
export type Tags = Readonly<Record<string, string>>;

export interface Tag {
  readonly key: string;
  readonly value: string;
}

/** MLflow's limits. It truncates longer run tags and params and still answers 200. */
const RUN_TAG_CHARACTERS = 8_000;
const PARAM_CHARACTERS = 6_000;

export function toPairs(tags: Tags = {}): Tag[] {
  return Object.entries(tags).map(([key, value]) => ({ key, value }));
}

export function fromPairs(pairs: readonly Tag[] = []): Tags {
  return Object.fromEntries(pairs.map(({ key, value }) => [key, value]));
}

/** Throws `rejected` for a value that MLflow would silently truncate: a truncated digest identifies nothing. */
export function refuseLong(what: 'tag' | 'param', pairs: readonly Tag[]): void {
  const limit = what === 'tag' ? RUN_TAG_CHARACTERS : PARAM_CHARACTERS;
  // MLflow counts code points, so this does too.
  const long = pairs.find(({ value }) => value.length > limit && Array.from(value).length > limit);
  if (long) throw new MlflowError('rejected', `${what} ${long.key} exceeds the ${limit} characters that MLflow keeps`);
}

export function hasTags(tags: Tags, wanted: Tags): boolean {
  return Object.entries(wanted).every(([key, value]) => Object.hasOwn(tags, key) && tags[key] === value);
}
