// The way in from whatever Node the machine has: installs the locked packages, Node 24 among them,
// and hands over to it. Plain JavaScript without a dependency, for it runs before there are any.
import { spawnSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const oldest = 20;
const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const programs = {
  test: 'scripts/dev/test.ts',
  'test-deep': 'scripts/dev/test-deep.ts',
  ci: 'scripts/dev/ci.ts',
  check: 'scripts/dev/check.ts',
  'clean-builds': 'scripts/dev/clean-builds.ts',
  'demo-drift': 'scripts/demo/drift.ts',
  'bench-overhead': 'scripts/bench/overhead.ts',
  'bench-jobs': 'scripts/bench/jobs.ts',
  'bench-gate': 'scripts/bench/gate.ts',
  'bench-endpoint': 'scripts/bench/endpoint.ts',
};

function fail(message) {
  process.stderr.write(`error: ${message}\n`);
  process.exit(1);
}

if (Number(process.versions.node.split('.')[0]) < oldest)
  fail(`Node ${process.versions.node} is too old.\nhint: install Node ${oldest} or newer.`);

const lockDigest = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex');
const stamp = join(root, 'node_modules', '.lock-digest');
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== lockDigest) {
  process.stderr.write('installing the npm packages (once, about half a minute)\n');
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) fail('npm ci failed.\nhint: is the npm registry reachable?');
  writeFileSync(stamp, lockDigest);
}

const [command, ...rest] = process.argv.slice(2);
const program = programs[command];
const args = program ? [program, ...rest] : ['scripts/cli/tuneline.ts', ...process.argv.slice(2)];
const node = join(root, 'node_modules', '.bin', 'node');
// Node keeps what it compiled, so that the next command and each service start in half the time.
const compiled = join(process.env.TUNELINE_HOME || join(root, '.tuneline'), 'cache', 'node');
// As npm does: Jest and the tests' child processes find this Node first, also where no npm is above.
const path = [join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter);
const env = { NODE_COMPILE_CACHE: compiled, ...process.env, PATH: path };
const child = spawn(node, ['--disable-warning=ExperimentalWarning', join(root, args[0]), ...args.slice(1)], {
  stdio: 'inherit',
  env,
});
// Ctrl-C reaches the child too: it ends its services, and this waits for it.
process.on('SIGINT', () => {});
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)));
