import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SetupError } from '../local/setup-error.ts';

/** Whose token it was. Nothing that a request says of itself changes this. */
export interface Principal {
  readonly name: string;
  /** `reviewer` decides and comments; any other only reads, and is there for the lists of reviewers that specs have. */
  readonly roles: readonly string[];
}

export interface Access {
  /** Undefined where no token of the file is this one. */
  principalOf(token: string): Promise<Principal | undefined>;
}

/** As the tokens file has it: whoever reads the file can't sign in with what it says. */
interface StoredToken extends Principal {
  readonly sha256: string;
  readonly createdAt: string;
}

/** Reads the file at each question: a token that was revoked is worth nothing from then on. */
export const createAccess = (path: string): Access => ({
  async principalOf(token) {
    const given = hashOf(token);
    let found: Principal | undefined;
    // All of them, always: how long it takes says nothing of which one came close.
    for (const { name, roles: held, sha256 } of await readTokens(path)) if (timingSafeEqual(given, asHash(sha256))) found = { name, roles: held };
    return found;
  },
});

/** Adds a token to the file and returns it: the only time that anyone sees it. */
export async function createToken(path: string, { name, roles: held }: Principal): Promise<string> {
  if (!/^[^\p{C}\s]([^\p{C}]{0,98}[^\p{C}\s])?$/u.test(name)) throw new SetupError('A token needs the name of a person: 1 to 100 printable characters, without blanks at the ends.');
  const wrong = held.find((role) => !isRole(role));
  if (wrong !== undefined) throw new SetupError(`A role is lower-case letters, digits and dashes, at most 41 long, such as "reviewer"; ${JSON.stringify(wrong)} is not.`);
  const token = `tuneline_${randomBytes(32).toString('base64url')}`;
  await writeTokens(path, [...(await readTokens(path)), { name, roles: held, sha256: hashOf(token).toString('hex'), createdAt: new Date().toISOString() }]);
  return token;
}

/** Takes away all tokens of that name; returns how many there were. */
export async function revokeTokens(path: string, name: string): Promise<number> {
  const all = await readTokens(path);
  const left = all.filter((token) => token.name !== name);
  if (left.length < all.length) await writeTokens(path, left);
  return all.length - left.length;
}

/** A reviewer's token for whoever runs the stack, kept where only they can read it. Returns the path. */
export async function ensureOwnToken(tokensPath: string, ownPath: string, name: string): Promise<string> {
  const own = await readFile(ownPath, 'utf8').catch(() => undefined);
  if (own !== undefined && (await createAccess(tokensPath).principalOf(own.trim()))) return ownPath;
  const token = await createToken(tokensPath, { name, roles: ['reviewer'] });
  await writePrivately(ownPath, `${token}\n`);
  return ownPath;
}

const hashOf = (token: string): Buffer => createHash('sha256').update(token).digest();

/** Of the right length, whatever stands in the file. */
const asHash = (hex: string): Buffer => Buffer.concat([Buffer.from(hex, 'hex'), Buffer.alloc(32)], 32);

async function readTokens(path: string): Promise<readonly StoredToken[]> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '[]';
    throw error;
  });
  try {
    const stored: unknown = JSON.parse(text);
    if (Array.isArray(stored) && stored.every(isStoredToken)) return stored;
  } catch {
    // Reported below, like a file that is JSON of another kind.
  }
  throw new SetupError(`The tokens file ${path} must hold a JSON array of {"name", "roles", "sha256", "createdAt"}.\nhint: "scripts/tuneline token create NAME --role reviewer" writes it.`);
}

const isRole = (role: unknown): boolean => typeof role === 'string' && /^[a-z][a-z0-9-]{0,40}$/.test(role);

function isStoredToken(raw: unknown): raw is StoredToken {
  if (typeof raw !== 'object' || raw === null) return false;
  const { name, roles: held, sha256 } = raw as Record<string, unknown>;
  return typeof name === 'string' && name !== '' && Array.isArray(held) && held.every(isRole) && typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256);
}

const writeTokens = (path: string, tokens: readonly StoredToken[]): Promise<void> => writePrivately(path, `${JSON.stringify(tokens, null, 2)}\n`);

async function writePrivately(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFile(`${path}.new`, text, { mode: 0o600 });
  await rename(`${path}.new`, path);
}
