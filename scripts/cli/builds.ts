import { Command } from 'commander';
import { listBuilds, makeCurrent, type Build } from '../../workers/builds.ts';
import { buildIdOf } from '../../workers/code-identity.ts';
import { loadConfig } from '../../workers/config.ts';
import { connectTemporal } from './connect.ts';
import { UserError } from './user-error.ts';

/** `tuneline builds`: which builds of the worker there are, which one takes what starts, and which may go. */
export const buildsCommand = (finish: (code: number) => void): Command =>
  new Command('builds')
    .description(
      'list the builds of a versioned worker, and which may go; or say which one takes what starts from now on',
    )
    .option(
      '--make-current [build]',
      'by its ID; without one the build that this very code is, as in: kubectl exec deploy/worker-NEW -- node scripts/cli/tuneline.ts builds --make-current',
    )
    .option('--json', 'print JSON')
    .action(async ({ makeCurrent: wanted, json }: { makeCurrent?: string | true; json?: boolean }) => {
      const config = loadConfig();
      const { workerDeployment } = config;
      if (workerDeployment === undefined)
        throw new UserError(
          'The worker is not versioned: TUNELINE_WORKER_DEPLOYMENT is not set, expected the name of the Worker Deployment, such as tuneline.\nhint: docs/upgrades.md says when that is of use.',
        );
      const client = await connectTemporal(config);
      const own = await buildIdOf(config.folders.repository);
      if (wanted !== undefined) await makeCurrent(client, workerDeployment, wanted === true ? own : wanted);
      const builds = await listBuilds(client, workerDeployment);
      process.stdout.write(json ? `${JSON.stringify(builds)}\n` : showBuilds(builds, own));
      finish(0);
    });

export function showBuilds(builds: readonly Build[], own: string): string {
  if (builds.length === 0) return 'no worker of this deployment was ever seen\n';
  return builds
    .map(
      ({ buildId, state, seenAt }) =>
        `${buildId}  ${state.padEnd(8)}  since ${seenAt}  ${buildId === own ? 'this code; ' : ''}${meaning[state]}\n`,
    )
    .join('');
}

const meaning: Readonly<Record<Build['state'], string>> = {
  current: 'what starts, starts on it',
  draining: 'lifecycles run on it: keep its worker',
  drained: 'nothing runs on it: its worker may go',
  idle: 'it was never current',
};
