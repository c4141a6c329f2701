import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { createToolchain } from '../../local/toolchain.ts';
import { loadConfig } from '../../workers/config.ts';

/** Everything that can be known without running the project: types, lint, layers, dead code, in both languages. */
const { folders, serviceEnvironment: env } = loadConfig();
const layers = ['domain', 'workflows', 'activities', 'k8s', 'local', 'serving', 'mlflow', 'workers', 'web', 'scripts'];
const python = (program: string) => join(folders.home, 'tools', 'jobs-dev', 'bin', program);

await createToolchain({
  ...folders,
  env,
  report: (message) => process.stderr.write(`${message}\n`),
}).installJobsDevelopment();

const checks: readonly {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly mustSay?: RegExp;
}[] = [
  { name: 'types', command: 'tsc', args: [] },
  { name: 'types of the pages', command: 'tsc', args: ['-p', 'web'] },
  { name: 'format', command: 'prettier', args: ['--check', '--log-level', 'warn', '.'] },
  { name: 'lint', command: 'eslint', args: ['.'] },
  // With a compiler it can't read, dependency-cruiser finds no module and no fault.
  { name: 'layers', command: 'depcruise', args: [...layers, 'test'], mustSay: /\((?!0 )\d+ modules/ },
  { name: 'dead code', command: 'knip', args: [] },
  { name: 'Python lint', command: python('ruff'), args: ['check', '.'], cwd: 'jobs' },
  { name: 'Python format', command: python('ruff'), args: ['format', '--check', '.'], cwd: 'jobs' },
  { name: 'Python types', command: python('mypy'), args: [], cwd: 'jobs' },
];

let failed = 0;
for (const { name, command, args, cwd = '.', mustSay } of checks) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: join(folders.repository, cwd),
    env: { ...env, PATH: `${join(folders.repository, 'node_modules', '.bin')}:${env['PATH'] ?? ''}` },
    encoding: 'utf8',
  });
  const isFine = status === 0 && (mustSay === undefined || mustSay.test(stdout));
  process.stderr.write(`${isFine ? 'ok  ' : 'FAIL'} ${name}\n`);
  if (!isFine) process.stderr.write(`${stdout}${stderr}${error ? String(error) : ''}\n`);
  failed += isFine ? 0 : 1;
}
process.exit(failed === 0 ? 0 : 1);
