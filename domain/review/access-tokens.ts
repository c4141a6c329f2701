/**
 * A token of the review console as it is stored. The file holds only the hash, so nobody can sign in with its contents.
 */
export interface StoredToken {
  /** The name of the person who holds the token; it appears with their decisions. */
  readonly name: string;
  readonly roles: readonly string[];
  readonly sha256: string;
  readonly createdAt: string;
}

export const isRole = (role: unknown): boolean => typeof role === 'string' && /^[a-z][a-z0-9-]{0,40}$/.test(role);

/** Returns undefined if the text is not a JSON list of stored tokens. */
export function parseTokens(text: string): readonly StoredToken[] | undefined {
  try {
    const stored: unknown = JSON.parse(text);
    return Array.isArray(stored) && stored.every(isStoredToken) ? stored : undefined;
  } catch {
    return undefined;
  }
}

/** The names of the people who may decide. */
export const reviewersOf = (tokens: readonly StoredToken[]): readonly string[] => [
  ...new Set(tokens.filter(({ roles }) => roles.includes('reviewer')).map(({ name }) => name)),
];

function isStoredToken(raw: unknown): raw is StoredToken {
  if (typeof raw !== 'object' || raw === null) return false;
  const { name, roles: held, sha256 } = raw as Record<string, unknown>;
  return (
    typeof name === 'string' &&
    name !== '' &&
    Array.isArray(held) &&
    held.every(isRole) &&
    typeof sha256 === 'string' &&
    /^[0-9a-f]{64}$/.test(sha256)
  );
}
