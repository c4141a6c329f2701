import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SetupError } from '../local/setup-error.ts';

/** Where a secret is to be found; itself it stands in no log, history or error. */
export interface SecretReference {
  /** The variable that holds it; the same with `_FILE` behind names a file that does. */
  readonly variable: string;
  readonly value: string | undefined;
  readonly path: string;
  /** Whether somebody named the file: then it has to be there. */
  readonly named: boolean;
}

/** Less can be guessed. */
const minimumCharacters = 16;

/** Undefined where there is none. Throws a `SetupError` for one that can't be read, or is too short. */
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

/** Makes one where there is none yet, which only whoever runs the stack can read. */
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
