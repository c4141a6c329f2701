import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isRole, parseTokens, type StoredToken } from '../../domain/review/access-tokens.ts';
import { whileLocked } from '../../local/file-lock.ts';
import { SetupError } from '../../local/setup-error.ts';

/** The owner of a token. Nothing in a request can change it. */
export interface Principal {
  readonly name: string;
  /**
   * `reviewer` may decide and comment. A holder of other roles only reads; a spec's lists of reviewers may name those
   * roles.
   */
  readonly roles: readonly string[];
}

export interface Access {
  /** Undefined if the file does not hold this token. */
  principalOf(token: string): Promise<Principal | undefined>;
}

/** Reads the file for each request, so that a revoked token stops working at once. */
export const createAccess = (path: string): Access => ({
  async principalOf(token) {
    const given = hashOf(token);
    let found: Principal | undefined;
    // Compares with every token, so that the duration does not reveal which one was close.
    for (const { name, roles: held, sha256 } of await readTokens(path))
      if (timingSafeEqual(given, asHash(sha256))) found = { name, roles: held };
    return found;
  },
});

/** Adds a token to the file and returns it. The token is shown only this once. Safe under concurrent calls. */
export async function createToken(path: string, { name, roles: held }: Principal): Promise<string> {
  if (!/^[^\p{C}\s]([^\p{C}]{0,98}[^\p{C}\s])?$/u.test(name))
    throw new SetupError(
      'A token needs the name of a person: 1 to 100 printable characters, without blanks at the ends.',
    );
  const wrong = held.find((role) => !isRole(role));
  if (wrong !== undefined)
    throw new SetupError(
      `A role is lower-case letters, digits and dashes, at most 41 long, such as "reviewer"; ${JSON.stringify(wrong)} is not.`,
    );
  const token = `tuneline_${randomBytes(32).toString('base64url')}`;
  const stored = { name, roles: held, sha256: hashOf(token).toString('hex'), createdAt: new Date().toISOString() };
  await changeTokens(path, (all) => [...all, stored]);
  return token;
}

/** Removes all tokens of that name and returns their number. */
export async function revokeTokens(path: string, name: string): Promise<number> {
  let revoked = 0;
  await changeTokens(path, (all) => {
    const left = all.filter((token) => token.name !== name);
    revoked = all.length - left.length;
    return left;
  });
  return revoked;
}

/**
 * Ensures that the user who runs the stack has a reviewer's token in a file that only this user can read. Returns its
 * path.
 */
export async function ensureOwnToken(tokensPath: string, ownPath: string, name: string): Promise<string> {
  const own = await readFile(ownPath, 'utf8').catch(() => undefined);
  if (own !== undefined && (await createAccess(tokensPath).principalOf(own.trim()))) return ownPath;
  const token = await createToken(tokensPath, { name, roles: ['reviewer'] });
  await mkdir(dirname(ownPath), { recursive: true, mode: 0o700 });
  writePrivately(ownPath, `${token}\n`);
  return ownPath;
}

const hashOf = (token: string): Buffer => createHash('sha256').update(token).digest();

/** Has the length that the comparison needs, whatever the file holds. */
const asHash = (hex: string): Buffer => Buffer.concat([Buffer.from(hex, 'hex'), Buffer.alloc(32)], 32);

/** Empty if there is no file yet. Throws a `SetupError` if the file has another format. */
export async function readTokens(path: string): Promise<readonly StoredToken[]> {
  return tokensIn(path, await readFile(path, 'utf8').catch(unlessMissing));
}

function tokensIn(path: string, text: string | undefined): readonly StoredToken[] {
  const stored = text === undefined ? [] : parseTokens(text);
  if (stored) return stored;
  throw new SetupError(
    `The tokens file ${path} must hold a JSON array of {"name", "roles", "sha256", "createdAt"}.\nhint: "scripts/tuneline token create NAME --role reviewer" writes it.`,
  );
}

/** Keeps tokens that another process adds at the same moment. */
async function changeTokens(
  path: string,
  change: (tokens: readonly StoredToken[]) => readonly StoredToken[],
): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    whileLocked(`${path}.lock`, () =>
      writePrivately(path, `${JSON.stringify(change(tokensIn(path, readIfThere(path))), null, 2)}\n`),
    );
  } catch (error) {
    if (error instanceof SetupError) throw error;
    throw new SetupError(
      `The tokens file ${path} can't be changed: ${(error as Error).message}.\nhint: TUNELINE_TOKENS names another; on a cluster it comes from a Secret, which is made from a file of yours.`,
    );
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    unlessMissing(error);
    return undefined;
  }
}

function unlessMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}

function writePrivately(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}
