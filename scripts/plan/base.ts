import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { basename, dirname } from 'node:path';
import { promisify } from 'node:util';
import { UserError } from '../cli/user-error.ts';

/** Files as they were at a revision of the repository that holds them. */
export interface Base {
  /** Short, for people. */
  readonly revision: string;
  /** Undefined where Git has no such file there. */
  readText(path: string): Promise<string | undefined>;
  /** The same of what may be large. */
  digest(path: string): Promise<string | undefined>;
}

/** At a branch, tag or commit of the repository in which the file lies. */
export async function openBase(ref: string, file: string): Promise<Base> {
  const git = (of: string, ...args: readonly string[]) =>
    promisify(execFile)('git', ['-C', dirname(of), ...args], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  const { stdout } = await git(file, 'rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`).catch(
    () => {
      throw new UserError(
        `Git knows no ${ref} where ${file} lies.\nhint: fetch it first, such as by "git fetch origin main" and --against origin/main.`,
      );
    },
  );
  const commit = stdout.trim();
  const at = (path: string): string => `${commit}:./${basename(path)}`;
  const isThere = (path: string): Promise<boolean> =>
    git(path, 'cat-file', '-e', at(path)).then(
      () => true,
      () => false,
    );
  return {
    revision: commit.slice(0, 12),
    readText: async (path) =>
      (await isThere(path)) ? (await git(path, 'cat-file', 'blob', at(path))).stdout : undefined,
    digest: async (path) =>
      (await isThere(path)) ? digestOfOutput('git', ['-C', dirname(path), 'cat-file', 'blob', at(path)]) : undefined,
  };
}

async function digestOfOutput(command: string, args: readonly string[]): Promise<string> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = once(child, 'close');
  const hash = createHash('sha256');
  for await (const block of child.stdout) hash.update(block as Buffer);
  const [code] = (await ended) as [number | null];
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}`);
  return `sha256:${hash.digest('hex')}`;
}
