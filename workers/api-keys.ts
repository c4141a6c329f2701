import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { parseTokens } from '../domain/review/access-tokens.ts';
import type { ApiKeys } from '../serving/access.ts';
import { SetupError } from '../local/setup-error.ts';

/** A revoked key stops working after at most this time. */
const lookAgainMs = 1000;

/**
 * Reads API keys from a file in the format of the console's token file. Once the file has existed, a key is required,
 * even if the file disappears: no endpoint is better than an open one. Throws a `SetupError` if the file exists and
 * cannot be read.
 */
export function createApiKeys(path: string): ApiKeys {
  let names: ReadonlyMap<string, string> | undefined;
  let readMs = -Infinity;
  let stamp = '';

  function current(): ReadonlyMap<string, string> | undefined {
    if (performance.now() - readMs < lookAgainMs) return names;
    const now = stampOf(path);
    if (now !== stamp) names = now === '' ? new Map() : read(path);
    stamp = now;
    readMs = performance.now();
    return names;
  }

  current();
  return {
    areNeeded: () => current() !== undefined,
    // The lookup is by hash, so that its duration reveals nothing about the key.
    nameOf: (key) => current()?.get(createHash('sha256').update(key).digest('hex')),
  };
}

/** Changes when the file changes. Empty if there is no file. */
function stampOf(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false });
  return found ? `${found.ino} ${found.mtimeMs} ${found.size}` : '';
}

function read(path: string): ReadonlyMap<string, string> {
  const keys = parseTokens(readFileSync(path, 'utf8'));
  if (!keys)
    throw new SetupError(
      `The file of API keys ${path} must hold a JSON array of {"name", "roles", "sha256", "createdAt"}.\nhint: "scripts/tuneline key create NAME" writes it.`,
    );
  return new Map(keys.map(({ name, sha256 }) => [sha256, name]));
}
