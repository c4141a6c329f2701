import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repository } from '../../../support/stack.ts';
import { namespace } from './settings.ts';

/** Runs the command in a home of its own, and says whether it made anything there. */
export async function tuneline(kubeconfigPath: string, env: Record<string, string>, ...args: readonly string[]) {
  const home = await mkdtemp(join(tmpdir(), 'tuneline-home-'));
  const settings = {
    TUNELINE_HOME: home,
    KUBECONFIG: kubeconfigPath,
    TUNELINE_NAMESPACE: namespace,
    TUNELINE_JOB_IMAGE: 'jobs@sha256:0',
    TUNELINE_STORAGE_CLAIM: 'storage',
    MLFLOW_TRACKING_URI: 'http://192.0.2.1',
    TEMPORAL_ADDRESS: '127.0.0.1:9',
  };
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', join(repository, 'scripts/cli/tuneline.ts'), ...args],
    {
      cwd: repository,
      env: { PATH: process.env['PATH'], HOME: home, ...settings, ...env },
      encoding: 'utf8',
    },
  );
  const made = existsSync(join(home, 'state')) || existsSync(join(home, 'tools'));
  await rm(home, { recursive: true });
  return { status, stdout, stderr, made };
}
