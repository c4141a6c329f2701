import { Command } from 'commander';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import { loadConfig } from '../../workers/config.ts';
import { endpointWorkflowId } from '../../workers/endpoint-queue.ts';
import { describeEndpoint } from '../../workflows/describe-endpoint.ts';
import type { endpoint } from '../../workflows/endpoint.ts';
import { endpointStatusQuery, rollbackUpdate } from '../../workflows/messages.ts';
import { connectTemporal } from './connect.ts';
import { isNotFound } from './not-found.ts';
import { UserError } from './user-error.ts';

/** `tuneline endpoint`: what an endpoint serves and rolls out; and back to what it served before. */
export const endpointCommand = (finish: (code: number) => void): Command =>
  new Command('endpoint')
    .description('show what an endpoint serves, rolls out and has waiting; or go back to what it served before')
    .argument('<name>', 'the name that clients call')
    .option('--rollback', 'end what is rolled out now; else serve the release before this one again, at once')
    .option('--because <reason>', 'with --rollback: kept with it')
    .option('--json', 'print the status as JSON')
    .action(
      async (name: string, { rollback, because, json }: { rollback?: boolean; because?: string; json?: boolean }) => {
        if (rollback && because === undefined) throw new UserError('Say why: --rollback --because "it is rude".');
        const config = loadConfig();
        const handle = (await connectTemporal(config)).workflow.getHandle<typeof endpoint>(endpointWorkflowId(name));
        const answer = rollback
          ? handle.executeUpdate(rollbackUpdate, { args: [{ requester: config.userName, because: because ?? '' }] })
          : handle
              .query(endpointStatusQuery)
              .then((status) => (json ? JSON.stringify(status) : describeEndpoint(status)));
        process.stdout.write(`${await answer.catch(explain(name))}\n`);
        finish(0);
      },
    );

function explain(name: string) {
  return (error: unknown): never => {
    if (isNotFound(error))
      throw new UserError(
        `There is no endpoint ${name}: nothing was released there yet.\nhint: "deploy.endpoint" of a spec names it.`,
      );
    if (error instanceof WorkflowUpdateFailedError && error.cause) throw new UserError(error.cause.message);
    throw error;
  };
}
