import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import { repository } from './stack.ts';

/** A repository of a team's own, with Tuneline as it is here: what is on `main` there, and a work tree. */
export function teamRepository(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tuneline-team-'));
  const files = execFileSync(
    'git',
    ['-C', repository, 'ls-files', '-z', '--cached', '--others', '--exclude-standard'],
    { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
  );
  // Recorded histories and pictures are most of it, and no pipeline reads them.
  for (const file of files.split('\0').filter((name) => name !== '' && !/^(?:test|docs)\//.test(name)))
    cpSync(join(repository, file), join(folder, file));
  symlinkSync(join(repository, 'node_modules'), join(folder, 'node_modules'));
  const git = (...args: readonly string[]) =>
    execFileSync('git', ['-C', folder, '-c', 'user.name=ada', '-c', 'user.email=ada@example.org', ...args]);
  git('init', '-q', '-b', 'main');
  git('add', '.');
  git('commit', '-qm', 'main');
  git('update-ref', 'refs/remotes/origin/main', 'HEAD');
  return folder;
}

interface Step {
  readonly run?: string;
  readonly if?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface StepResult {
  readonly code: number;
  readonly output: string;
}

export interface Surroundings {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Runs what a job of examples/ci/github-actions.yml says to a shell, as GitHub does: a step that fails ends it, but for those that always run. */
export async function runGithubJob(name: string, { cwd, env }: Surroundings): Promise<StepResult> {
  const { env: all, jobs } = readPipeline('github-actions.yml') as {
    env: Record<string, string>;
    jobs: Record<string, { steps: Step[] }>;
  };
  // What nobody set is empty there.
  const unset = (given: Readonly<Record<string, string>> = {}) =>
    Object.fromEntries(Object.entries(given).map(([key, value]) => [key, /^\$\{\{.*\}\}$/.test(value) ? '' : value]));
  let code = 0;
  let output = '';
  for (const step of jobs[name]?.steps ?? []) {
    if (step.run === undefined || (code !== 0 && step.if !== 'always()')) continue;
    const ran = await shell(['bash', '-e', '-c', step.run], {
      cwd,
      env: { ...unset(all), ...unset(step.env), ...env },
    });
    code ||= ran.code;
    output += ran.output;
  }
  return { code, output };
}

/** The same of examples/ci/gitlab-ci.yml. */
export async function runGitlabJob(name: string, { cwd, env }: Surroundings): Promise<StepResult> {
  const { variables, [name]: job } = readPipeline('gitlab-ci.yml') as { variables: Record<string, string> } & Record<
    string,
    { script?: string[] }
  >;
  return shell(['bash', '-eo', 'pipefail', '-c', (job?.script ?? ['false']).join('\n')], {
    cwd,
    env: { ...variables, ...env },
  });
}

const readPipeline = (name: string): unknown => parse(readFileSync(join(repository, 'examples/ci', name), 'utf8'));

async function shell([command = '', ...args]: readonly string[], { cwd, env }: Surroundings): Promise<StepResult> {
  const child = spawn(command, args, {
    cwd,
    env: { PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`, HOME: cwd, USER: 'ada', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part) => (output += String(part)));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code: code ?? 1, output };
}
