import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SetupError } from '../local/setup-error.ts';

/** The place of a secret. The secret itself appears in no log, history or error. */
export interface SecretReference {
  /** The variable that holds the secret. The same name with `_FILE` names a file that holds it. */
  readonly variable: string;
  readonly value: string | undefined;
  readonly path: string;
  /** True if the user named the file: then it must exist. */
  readonly named: boolean;
}

/** A shorter secret could be guessed. */
const minimumCharacters = 16;

/** Undefined if there is no secret. Throws a `SetupError` if the secret can't be read or is too short. */
export async function readSecret({ variable, value, path, named }: SecretReference): Promise<string | undefined> {
  const text =
    value ??
    (
      await readFile(path, 'utf8').catch((error: unknown) => {
        if (!named && (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw new SetupError(`${variable}_FILE: the file ${path} can't be read: ${(error as Error).message}`);
      })
    )?.trim();
  if (text !== undefined && text.length < minimumCharacters)
    throw new SetupError(
      `${variable}: expected a secret of at least ${minimumCharacters} characters.\nhint: "openssl rand -base64 32" makes one`,
    );
  return text;
}

/** Creates a secret if there is none yet. Only the user who runs the stack can read its file. */
export async function ensureSecret(
  reference: SecretReference,
  made = randomBytes(32).toString('base64'),
): Promise<string> {
  const there = await readSecret(reference);
  if (there !== undefined) return there;
  await mkdir(dirname(reference.path), { recursive: true, mode: 0o700 });
  await writeFile(reference.path, `${made}\n`, { mode: 0o600 });
  return made;
}
