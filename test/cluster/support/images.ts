import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import {
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  realpath,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';

/** A file that `ctr images import` reads. */
export interface Image {
  readonly path: string;
  /** `NAME@sha256:…`, as a Job names it. The tag `NAME:test` is the same image. */
  readonly reference: string;
}

export interface ImageContent {
  readonly name: string;
  /** Folders that lie on top of each other. */
  readonly layers: readonly string[];
  readonly entrypoint: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly workingDir?: string;
}

const run = promisify(execFile);
const architectures: Partial<Record<NodeJS.Architecture, string>> = { x64: 'amd64', arm64: 'arm64' };
/** Of a Python's own library: packages that were installed beside it, and what no program imports. */
const unneeded = /^(site-packages|dist-packages|__pycache__|test|idlelib|ensurepip|config-.*)$/;
/** Of Node's packages: what only people and compilers read, and Temporal's native library, which the worker alone loads. */
const unread = /(\.d\.[cm]?ts|\.map|\.md|core-bridge\/releases)$/;
const mediaTypeOf = (what: string): string => `application/vnd.oci.image.${what}`;

/** An OCI image of what is in folders, into a file of the folder `into`. The same content has the same digest. */
export async function makeImage(
  into: string,
  { name, layers, entrypoint, env = {}, workingDir = '/' }: ImageContent,
): Promise<Image> {
  const layout = await mkdtemp(join(into, 'image-'));
  const blobs = join(layout, 'blobs', 'sha256');
  await mkdir(blobs, { recursive: true });
  try {
    const packed = [];
    for (const layer of layers)
      packed.push(await addBlob(blobs, mediaTypeOf('layer.v1.tar'), await packFolder(layer, layout)));
    const config = await addJson(blobs, mediaTypeOf('config.v1+json'), {
      architecture: architectures[process.arch] ?? process.arch,
      os: 'linux',
      config: {
        Entrypoint: entrypoint,
        WorkingDir: workingDir,
        Env: Object.entries({ PATH: '/usr/local/bin:/usr/bin:/bin', ...env }).map(([key, value]) => `${key}=${value}`),
      },
      rootfs: { type: 'layers', diff_ids: packed.map(({ digest }) => digest) },
    });
    const manifest = await addJson(blobs, mediaTypeOf('manifest.v1+json'), {
      schemaVersion: 2,
      mediaType: mediaTypeOf('manifest.v1+json'),
      config,
      layers: packed,
    });
    const reference = `${name}@${manifest.digest}`;
    const manifests = [`${name}:test`, reference].map((known) => ({
      ...manifest,
      annotations: { 'io.containerd.image.name': known },
    }));
    await writeFile(join(layout, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }));
    await writeFile(join(layout, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
    const path = `${layout}.tar`;
    await run('tar', ['--create', '--file', path, '--directory', layout, 'blobs', 'index.json', 'oci-layout']);
    return { path, reference };
  } finally {
    await rm(layout, { recursive: true });
  }
}

/** What a pod's sandbox runs: nothing, until it is killed. */
export async function makeSandboxImage(into: string): Promise<Image> {
  const root = await mkdtemp(join(into, 'sandbox-'));
  await addBusybox(root);
  return makeImage(into, { name: 'tuneline.test/sandbox', layers: [root], entrypoint: ['sleep', '2147483647'] });
}

/** A root folder with this machine's Python and a shell; its packages are not in it, but the libraries that they need are. */
export async function makePythonRoot(into: string, python: string): Promise<string> {
  const root = await mkdtemp(join(into, 'python-'));
  const { executable, stdlib, packages } = await describePython(python);
  for (const folder of stdlib)
    await cp(folder, join(root, folder), {
      recursive: true,
      verbatimSymlinks: true,
      filter: (path) => !unneeded.test(basename(path)),
    });
  const modules = (await Promise.all([...stdlib, packages].map(sharedObjects))).flat();
  const libraries = (await librariesOf([executable, ...modules])).filter((path) => !path.startsWith(packages));
  // Everything lies where it is on this machine, for there the interpreter and the loader look for it.
  for (const path of [executable, ...libraries]) await addFile(root, path, path);
  await addBusybox(root);
  await mkdir(join(root, 'usr', 'local', 'bin'), { recursive: true });
  for (const name of ['python', 'python3']) await symlink(executable, join(root, 'usr', 'local', 'bin', name));
  await mkdir(join(root, 'etc'), { recursive: true });
  await writeFile(join(root, 'etc', 'passwd'), 'root:x:0:0::/:/bin/sh\njobs:x:10001:10001::/tmp:/bin/sh\n');
  for (const folder of ['tmp', 'app']) await mkdir(join(root, folder), { recursive: true });
  return root;
}

/** The image as `worker.Dockerfile` copies it together, for the programs that need no native library, on this machine's Node. */
export async function makeWorkerImage(
  into: string,
  { name, repository }: { readonly name: string; readonly repository: string },
): Promise<Image> {
  const root = await mkdtemp(join(into, 'node-'));
  for (const path of await librariesOf([process.execPath])) await addFile(root, path, path);
  await addFile(root, process.execPath, '/usr/local/bin/node');
  await addBusybox(root);
  const copied = [
    ...(await readFile(join(repository, 'k8s', 'install', 'worker.Dockerfile'), 'utf8')).matchAll(/^COPY (\w+) \1$/gm),
  ].map(([, folder = '']) => folder);
  const parts = ['package.json', ...copied, ...(await packagesOf(repository))];
  for (const part of parts)
    await cp(join(repository, part), join(root, 'app', part), {
      recursive: true,
      filter: (path) => !unread.test(path),
    });
  return makeImage(into, { name, layers: [root], entrypoint: ['node', 'workers/worker.ts'], workingDir: '/app' });
}

/** The folders of `node_modules` that are installed where no development packages are. */
async function packagesOf(repository: string): Promise<string[]> {
  const { stdout } = await run('npm', ['ls', '--omit=dev', '--all', '--parseable'], {
    cwd: repository,
    maxBuffer: 2 ** 24,
  }).catch((error: unknown) => error as { stdout: string });
  // Those inside others come with them.
  return [
    ...new Set([...stdout.matchAll(/^.*?\/(node_modules\/(?:@[^/\n]+\/)?[^/\n]+)/gm)].map(([, path = '']) => path)),
  ];
}

export interface JobsImage {
  readonly name: string;
  /** The folder that holds `tuneline_jobs`, and `bench` with an own stage. */
  readonly sources: string;
  /** The interpreter of the Jobs' environment. */
  readonly python: string;
  /** Where pods find the packages of that environment. */
  readonly packagesAt: string;
}

/** The Jobs' program as a cluster runs it, except that its packages, some gigabytes, come by a volume. */
export async function makeJobsImage(into: string, { name, sources, python, packagesAt }: JobsImage): Promise<Image> {
  const root = await makePythonRoot(into, python);
  for (const part of ['tuneline_jobs', 'bench'])
    await cp(join(sources, part), join(root, 'app', part), {
      recursive: true,
      filter: (path) => basename(path) !== '__pycache__',
    });
  const env = { PYTHONPATH: `/app:${packagesAt}`, PYTHONUNBUFFERED: '1', LANG: 'C.UTF-8', HOME: '/tmp' };
  return makeImage(into, { name, layers: [root], entrypoint: ['python', '-m', 'tuneline_jobs'], env });
}

interface Python {
  readonly executable: string;
  readonly stdlib: readonly string[];
  readonly packages: string;
}

async function describePython(python: string): Promise<Python> {
  const script =
    'import json, os, sys\nfrom sysconfig import get_path as path\nprint(json.dumps([os.path.realpath(sys.executable), path("stdlib"), path("platstdlib"), path("purelib")]))';
  const { stdout } = await run(python, ['-c', script]);
  const [executable, stdlib, platstdlib, packages] = JSON.parse(stdout) as [string, string, string, string];
  return { executable, stdlib: [...new Set([stdlib, platstdlib])], packages };
}

async function sharedObjects(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  return names.filter((name) => /\.so(\.|$)/.test(name)).map((name) => join(folder, name));
}

/** What the loader would load for them, itself included, where it finds it on this machine. */
async function librariesOf(paths: readonly string[]): Promise<string[]> {
  // It fails where one of them is a script or was made for another machine.
  const { stdout } = await run('ldd', [...paths], { maxBuffer: 2 ** 26 }).catch(
    (error: unknown) => error as { stdout: string },
  );
  return [...new Set([...stdout.matchAll(/^\t(?:\S+ => )?(\/\S+) \(/gm)].map(([, path = '']) => path))];
}

async function addBusybox(root: string): Promise<void> {
  await addFile(root, await realpath('/usr/bin/busybox'), '/bin/busybox');
  const { stdout } = await run('/usr/bin/busybox', ['--list']);
  for (const applet of stdout.trim().split('\n'))
    if (applet !== 'busybox') await symlink('busybox', join(root, 'bin', applet));
}

async function addFile(root: string, from: string, to: string): Promise<void> {
  await mkdir(join(root, dirname(to)), { recursive: true });
  await copyFile(from, join(root, to));
}

interface Blob {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

async function packFolder(folder: string, into: string): Promise<string> {
  const path = join(into, 'layer.tar');
  // Neither who packs it nor when may change the digest.
  const alike = [
    '--sort=name',
    '--format=gnu',
    '--mtime=@0',
    '--owner=0',
    '--group=0',
    '--numeric-owner',
    '--mode=a+rX,go-w',
  ];
  await run('tar', ['--create', '--file', path, '--directory', folder, ...alike, '.']);
  return path;
}

async function addBlob(blobs: string, mediaType: string, path: string): Promise<Blob> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  const digest = hash.digest('hex');
  await rename(path, join(blobs, digest));
  return { mediaType, digest: `sha256:${digest}`, size: (await stat(join(blobs, digest))).size };
}

async function addJson(blobs: string, mediaType: string, content: unknown): Promise<Blob> {
  const path = join(blobs, 'json');
  await writeFile(path, JSON.stringify(content));
  return addBlob(blobs, mediaType, path);
}
