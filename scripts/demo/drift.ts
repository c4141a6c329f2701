import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { chooseState, loadConfig } from '../../workers/config.ts';
import { placementOf } from '../../workers/kubernetes.ts';
import { exitCodeOfDemo, showDemo } from './summary.ts';
import { showDrift } from './story.ts';
import { endLeftovers } from '../cli/leftovers.ts';
import { Progress } from '../report/progress.ts';
import { finish, runProgram } from '../cli/run-program.ts';
import { withStack } from '../cli/up.ts';
import { UserError } from '../cli/user-error.ts';

/**
 * Drift, retraining, gate, canary and promotion, on real training and under live requests, with a stack of its own.
 * Run: npm run demo:drift
 */
const spec = 'examples/specs/package-summaries-drift.json';

async function demo({
  exit = false,
  json = false,
}: {
  readonly exit?: boolean;
  readonly json?: boolean;
}): Promise<number> {
  const { folders, temporal, mlflow } = loadConfig();
  if (!temporal.embedded || !mlflow.embedded || placementOf(loadConfig()))
    throw new UserError(
      'The demonstration brings a Temporal and an MLflow of its own, and runs its Jobs here: unset TEMPORAL_ADDRESS, TEMPORAL_PROFILE, MLFLOW_TRACKING_URI and TUNELINE_RUNNER.',
    );
  // What an earlier one left would be retrained from, and its engines served again.
  const state = join(folders.state, 'demo-drift');
  await endLeftovers(state);
  await rm(state, { recursive: true, force: true, maxRetries: 5 });
  chooseState(state);
  const progress = new Progress();
  return withStack({
    progress,
    serves: !exit,
    async work(signal) {
      const summary = await showDrift(spec, progress, signal);
      process.stdout.write(json ? `${JSON.stringify(summary)}\n` : showDemo(summary));
      return exitCodeOfDemo(summary);
    },
  });
}

const program = new Command('demo:drift')
  .description('show drift, retraining, gate, canary and promotion, on real training and under live requests')
  .option('--exit', 'stop everything after the summary')
  .option('--json', 'print the summary as one JSON object')
  .addHelpText('after', '\nExit codes: 0 promoted and no request failed, 1 broken, 2 refused by the gate.')
  .action(async (options: { exit?: boolean; json?: boolean }) => {
    finish(await demo(options));
  });

await runProgram(program);
