import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { workerMemory } from '../../../local/stack.ts';
import { repository } from '../../support/stack.ts';
import { buildIdOf, digestWorkflowsCode } from '../../../workers/code-identity.ts';
import { unprivilegedUser } from '../../../workers/kubernetes.ts';

interface Instruction {
  readonly name: string;
  readonly args: string;
}

/** A comment ends at its line, an instruction where no backslash goes on. */
const parse = (text: string): Instruction[] =>
  text
    .replaceAll(/^\s*#.*\n/gm, '')
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => ({ name: line.split(' ', 1)[0] ?? '', args: line.slice(line.indexOf(' ') + 1).trim() }));

const read = (name: string): string => readFileSync(join(repository, name), 'utf8');

/** The default of each ARG in place of its name; without one, an empty text. */
function expand(instructions: readonly Instruction[]): Instruction[] {
  const defaults = new Map(
    instructions
      .filter(({ name }) => name === 'ARG')
      .map(({ args }) => [args.split('=', 1)[0] ?? '', args.slice(args.indexOf('=') + 1)] as const),
  );
  return instructions.map(({ name, args }) => ({
    name,
    args: args.replaceAll(/\$\{(\w+)\}/g, (_whole, arg: string) => defaults.get(arg) ?? ''),
  }));
}

/** As BuildKit reads `.dockerignore`: the last pattern that fits a path or a folder above it decides. */
function isIgnored(path: string): boolean {
  const parts = path.split('/');
  const paths = parts.map((_part, index) => parts.slice(0, index + 1).join('/'));
  let ignored = false;
  for (const line of read('.dockerignore')
    .split('\n')
    .filter((l) => l.trim() !== '' && !l.startsWith('#'))) {
    const pattern = line
      .replace(/^!/, '')
      .replaceAll(/[.+]/g, '\\$&')
      .replace('**/', '(.*/)?')
      .replaceAll(/(?<![.)])\*/g, '[^/]*');
    if (paths.some((p) => new RegExp(`^${pattern}$`).test(p))) ignored = !line.startsWith('!');
  }
  return ignored;
}

/** What a COPY takes from the build's context. */
const sourcesOf = (instructions: readonly Instruction[]): string[] =>
  instructions
    .filter(({ name, args }) => name === 'COPY' && !args.startsWith('--from='))
    .flatMap(({ args }) => args.split(' ').slice(0, -1));

describe.each(['worker', 'jobs'])('the image of %s', (image) => {
  const instructions = expand(parse(read(`k8s/install/${image}.Dockerfile`)));
  const of = (wanted: string) => instructions.filter(({ name }) => name === wanted).map(({ args }) => args);

  test('copies what is there and is sent to the build', () => {
    const sources = sourcesOf(instructions);
    expect(sources).not.toEqual([]);
    for (const source of sources)
      expect({ source, there: existsSync(join(repository, source)), ignored: isIgnored(source) }).toEqual({
        source,
        there: true,
        ignored: false,
      });
  });

  test('installs only what a lock names', () => {
    const installs = of('RUN')
      .map((args) => (JSON.parse(args) as string[]).join(' '))
      .filter((command) => /install|sync|\bci\b/.test(command));
    expect(installs).not.toEqual([]);
    for (const command of installs) expect(command).toMatch(/^npm ci |--require-hashes/);
  });

  test('runs each command without a shell, and starts its program so, too', () => {
    for (const args of [...of('RUN'), ...of('ENTRYPOINT')])
      expect(JSON.parse(args)).toEqual(expect.arrayContaining([expect.any(String)]));
  });

  test('begins from bases of a named version or from a stage of its own', () => {
    const stages = of('FROM').map((args) => args.split(' AS ').at(1));
    for (const args of of('FROM')) {
      const base = args.split(' ', 1)[0] ?? '';
      expect(
        [...stages, 'tuneline-worker'].includes(base) ||
          /^(node|python):\d+(\.\d+)?-(slim-)?bookworm(-slim)?$/.test(base),
      ).toBe(true);
    }
  });

  test('is no root in any stage that runs', () => {
    const users = instructions
      .map(({ name, args }, index) => ({ name, args, index }))
      .filter(({ name }) => name === 'USER' || name === 'ENTRYPOINT');
    // A stage that starts from one of these keeps its user.
    expect(users[0]).toMatchObject({ name: 'USER', args: `${unprivilegedUser}:${unprivilegedUser}` });
    expect(of('USER')).toEqual([`${unprivilegedUser}:${unprivilegedUser}`]);
  });

  test('says what it is', () => {
    for (const label of ['title', 'description', 'licenses', 'version', 'revision'])
      expect(of('LABEL').join(' ')).toContain(`org.opencontainers.image.${label}=`);
  });
});

test('no state, no tools and no tests are sent to a build', () => {
  for (const path of [
    '.git',
    '.git/config',
    '.tuneline/state/endpoint-token',
    'node_modules/zod',
    'test/support',
    'jobs/tests/conftest.py',
    'jobs/tuneline_jobs/stages/__pycache__/tune.pyc',
    'k8s/install/settings.yaml',
    '.env',
  ])
    expect([path, isIgnored(path)]).toEqual([path, true]);
});

test("the worker's image has every folder that its programs import from", () => {
  const copied = sourcesOf(parse(read('k8s/install/worker.Dockerfile')));
  const seen = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const [, target = ''] of read(file).matchAll(/(?:from|import|new URL\() ?'(\.{1,2}\/[^']+\.ts)'/g))
      visit(join(file, '..', target));
  };
  for (const program of ['workers/worker.ts', 'workers/endpoint.ts', 'workers/console.ts', 'scripts/cli/tuneline.ts'])
    visit(program);
  const folders = new Set([...seen].map((file) => file.split('/')[0] ?? ''));
  expect([...folders].sort()).toEqual(
    expect.arrayContaining(['activities', 'domain', 'k8s', 'local', 'mlflow', 'scripts', 'workers', 'workflows']),
  );
  for (const folder of folders) expect(copied).toContain(folder);
});

test("the worker's image has every page of the console", () => {
  expect(sourcesOf(parse(read('k8s/install/worker.Dockerfile')))).toContain('web');
  for (const name of readdirSync(join(repository, 'web')))
    expect([name, isIgnored(`web/${name}`)]).toEqual([name, false]);
});

test("the worker's image spends memory as the worker of a stack does", () => {
  const instructions = parse(read('k8s/install/worker.Dockerfile'));
  const entrypoint = JSON.parse(instructions.find(({ name }) => name === 'ENTRYPOINT')?.args ?? '[]') as string[];
  expect(entrypoint).toEqual(expect.arrayContaining([...workerMemory.flags]));
  for (const [name, value] of Object.entries(workerMemory.env))
    expect(instructions.find((i) => i.name === 'ENV')?.args.split(' ')).toContain(`${name}=${value}`);
});

test("the Jobs' package is sent whole", () => {
  for (const name of readdirSync(join(repository, 'jobs/tuneline_jobs')).filter((n) => n !== '__pycache__'))
    expect([name, isIgnored(`jobs/tuneline_jobs/${name}`)]).toEqual([name, false]);
});

test("the worker's image has all that its build is known by", async () => {
  const copied = await mkdtemp(join(tmpdir(), 'tuneline-image-'));
  for (const source of sourcesOf(parse(read('k8s/install/worker.Dockerfile'))).filter((s) => s !== 'web'))
    await cp(join(repository, source), join(copied, source), { recursive: true });
  expect(await buildIdOf(copied)).toBe(await buildIdOf(repository));
  expect(await digestWorkflowsCode(copied)).toBe(await digestWorkflowsCode(repository));
  await rm(copied, { recursive: true });
});
