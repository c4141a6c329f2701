import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { parseTokens } from '../domain/review/access-tokens.ts';
import type { ApiKeys } from '../serving/access.ts';
import { SetupError } from '../local/setup-error.ts';

/** A key that was revoked is worth nothing after so long. */
const lookAgainMs = 1000;

/**
 * The keys of a file like that of the console's tokens. Once there was such a file, keys are needed, even if it goes: better
 * no endpoint than an open one. Throws a `SetupError` where it is there, and not readable.
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
    // Looked up by the hash: how long that takes says nothing of the key.
    nameOf: (key) => current()?.get(createHash('sha256').update(key).digest('hex')),
  };
}

/** Changes when the file does; empty where there is none. */
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
