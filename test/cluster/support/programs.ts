import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { access, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SetupError } from '../../../local/setup-error.ts';
import { buildCacheFolder, makeBuildCache } from '../../../scripts/dev/build-cache.ts';
import { tryLock, untilReleased } from './build-lock.ts';
import { Guard } from './guard.ts';

const kubernetesVersion = '1.34.4';
/** The newest that there is; built apart, for it does not compile against the libraries of Kubernetes 1.34. */
const kwokVersion = '0.7.0';

const sources = fileURLToPath(new URL('control-plane', import.meta.url));
const goLock = fileURLToPath(new URL('go.requirements.lock', import.meta.url));

const [, minor = ''] = kubernetesVersion.split('.');
const version = { gitVersion: `v${kubernetesVersion}`, gitMajor: '1', gitMinor: minor };
const versionFlags = Object.entries(version).map(
  ([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`,
);
const flags = {
  controlPlane: ['-trimpath', '-ldflags', ['-s -w', ...versionFlags].join(' ')],
  kwok: ['-trimpath', '-ldflags', '-s -w'],
};

export interface Programs {
  readonly controlPlane: string;
  readonly kwok: string;
}

export interface BuildOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly report: (message: string) => void;
}

/** Runs Go with arguments in a folder, and resolves with what it printed. */
type Go = (args: readonly string[], cwd: string) => Promise<string>;
type Build = (go: Go, into: string) => Promise<unknown>;

/** The programs of a cluster, built from source unless that was done before. */
export async function buildPrograms(options: BuildOptions): Promise<Programs> {
  const { report } = options;
  const folder = join(buildCacheFolder(), 'cluster', await digestOfSources());
  await buildOnce(folder, options, async (go, partial) => {
    report(
      `building Kubernetes ${kubernetesVersion} and KWOK ${kwokVersion} from source: once, about ten minutes on two cores`,
    );
    await timed('the control plane', report, () =>
      go(['build', ...flags.controlPlane, '-o', join(partial, 'control-plane'), '.'], sources),
    );
    await timed('KWOK', report, () =>
      go(['install', ...flags.kwok, `sigs.k8s.io/kwok/cmd/kwok@v${kwokVersion}`], sources),
    );
  });
  return { controlPlane: join(folder, 'control-plane'), kwok: join(folder, 'kwok') };
}

/** Makes a folder unless it is there. Of several processes that ask at once, one builds. */
export async function buildOnce(folder: string, options: BuildOptions, build: Build): Promise<void> {
  const lock = `${folder}.lock`;
  await makeBuildCache();
  await mkdir(dirname(folder), { recursive: true });
  while (!(await exists(folder))) {
    const holder = await tryLock(lock);
    if (holder === 'self') await buildInto(folder, options, build).finally(() => rm(lock));
    else if (holder) {
      options.report(`process ${holder.pid} builds the cluster's programs; waiting for it`);
      await untilReleased(lock, holder);
    }
  }
}

async function digestOfSources(): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify([process.platform, process.arch, kwokVersion, flags]));
  for (const file of ['main.go', 'go.mod', 'go.sum']) hash.update(await readFile(join(sources, file)));
  return hash.digest('hex').slice(0, 16);
}

/** Builds beside the folder and renames at the end, so that the folder is whole as soon as it is there. */
async function buildInto(folder: string, { env, report }: BuildOptions, build: Build): Promise<void> {
  if (await exists(folder)) return;
  const partial = `${folder}.partial`;
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial);
  const guard = new Guard([partial]);
  const goEnv = {
    ...env,
    CGO_ENABLED: '0',
    GOFLAGS: '-buildvcs=false',
    GOWORK: 'off',
    GOBIN: partial,
    GOTMPDIR: partial,
  };
  try {
    const go = await findGo({ env, report }, guard);
    await build((args, cwd) => run([go, ...args], { cwd, env: goEnv, guard }), partial);
    await rename(partial, folder);
  } finally {
    await guard.dismiss();
    await rm(partial, { recursive: true, force: true });
  }
}

/** Go where it usually is; else the one of a PyPI package, which is the toolchain itself. */
async function findGo({ env, report }: BuildOptions, guard: Guard): Promise<string> {
  const packaged = join(buildCacheFolder(), 'go');
  const candidates = ['go', '/usr/local/go/bin/go', join(packaged, 'go', 'bin', 'go')];
  for (const candidate of candidates) if (await isGo(candidate, env)) return candidate;
  try {
    report('installing Go');
    await rm(packaged, { recursive: true, force: true });
    await run(
      [
        'python3',
        '-m',
        'pip',
        'install',
        '--quiet',
        '--no-cache-dir',
        '--disable-pip-version-check',
        '--no-deps',
        '--require-hashes',
        '--target',
        packaged,
        '-r',
        goLock,
      ],
      { cwd: buildCacheFolder(), env, guard },
    );
    return join(packaged, 'go', 'bin', 'go');
  } catch (error) {
    throw new SetupError(
      `Go, which builds the tests' Kubernetes, was not found, and could not be installed: ${String(error)}\n` +
        'hint: install Go 1.24 or newer, or set TUNELINE_TEST_KUBECONFIG to the kubeconfig of a cluster that these tests may use.',
    );
  }
}

const isGo = (command: string, env: NodeJS.ProcessEnv): Promise<boolean> =>
  once(spawn(command, ['version'], { env, stdio: 'ignore' }), 'exit').then(
    ([code]) => code === 0,
    () => false,
  );

interface RunOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly guard: Guard;
}

async function run(
  [command, ...args]: readonly [string, ...string[]],
  { cwd, env, guard }: RunOptions,
): Promise<string> {
  const child = spawn(command, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  if (child.pid !== undefined) guard.watch(child.pid);
  const printed: string[] = [];
  child.stdout.setEncoding('utf8').on('data', (text: string) => printed.push(text));
  const said: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => said.splice(0, said.length - 50, text));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0)
    throw new SetupError(
      `${command} ${args[0] ?? ''} ended with ${code}:\n${said.join('').slice(-2000)}\nhint: is the proxy that "go env GOPROXY" names reachable?`,
    );
  return printed.join('');
}

export async function timed(
  what: string,
  report: (message: string) => void,
  act: () => Promise<unknown>,
): Promise<void> {
  const startedAt = performance.now();
  await act();
  report(`${what} is built, after ${Math.round((performance.now() - startedAt) / 1000)} s`);
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
