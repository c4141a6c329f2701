import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { toMarkdown, toText } from '../../domain/report/document.ts';
import { describeProblems } from '../../domain/spec/explain-spec.ts';
import { isMlflowError } from '../../mlflow/errors.ts';
import { loadConfig } from '../../workers/config.ts';
import { workspaceOf } from '../../workers/workspace.ts';
import { connectMlflow } from '../cli/connect.ts';
import { exitCodes, UserError } from '../cli/user-error.ts';
import { planLifecycle, type PlanRequest } from './plan.ts';
import { planBlocks, problemBlocks } from './show.ts';

interface Showing {
  readonly json?: true;
  readonly markdown?: string;
}

/** `tuneline run --plan`; answers the exit code. */
export async function plan(request: Omit<PlanRequest, 'requester'>, { json, markdown }: Showing): Promise<number> {
  const config = loadConfig();
  const parts = {
    workspace: await workspaceOf(config),
    mlflow: connectMlflow(config),
    artifacts: join(config.folders.state, 'artifacts'),
  };
  const made = await planLifecycle({ ...request, requester: config.userName }, parts).catch((error: unknown) => {
    if (!isMlflowError(error, 'unreachable')) throw error;
    throw new UserError(
      `MLflow does not answer at ${config.mlflow.trackingUri}, and only it knows what was done before.\nhint: ${config.mlflow.embedded ? 'start the stack with "scripts/tuneline up"' : 'check MLFLOW_TRACKING_URI'}`,
    );
  });
  const blocks = made.ok ? planBlocks(made) : problemBlocks(request.path, made.problems);
  if (markdown !== undefined) await writeFile(markdown, toMarkdown(blocks));
  if (json) process.stdout.write(`${JSON.stringify(made)}\n`);
  else if (made.ok) process.stdout.write(toText(blocks));
  else process.stderr.write(`error: ${describeProblems(made.problems)}\n`);
  return made.ok ? 0 : exitCodes.broken;
}
