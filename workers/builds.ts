import { isGrpcServiceError, type Client } from '@temporalio/client';
import type { WorkerDeploymentOptions } from '@temporalio/worker';
import { SetupError } from '../local/setup-error.ts';

/** A build of the worker, as Temporal knows it. */
export interface Build {
  readonly buildId: string;
  /**
   * `current`: what starts, starts on it. `draining`: executions that are pinned to it are open, so its worker has to stay.
   * `drained`: none is, and its worker may go. `idle`: it was never current.
   */
  readonly state: 'current' | 'draining' | 'drained' | 'idle';
  /** When a worker of it first asked for work. */
  readonly seenAt: string;
}

/** Every workflow keeps to the build it started on, but those that say otherwise themselves. */
export const pinnedTo = (deploymentName: string, buildId: string): WorkerDeploymentOptions => ({
  version: { deploymentName, buildId },
  useWorkerVersioning: true,
  defaultVersioningBehavior: 'PINNED',
});

/** Oldest first; none where no worker of this deployment was ever seen. */
export async function listBuilds(client: Client, deploymentName: string): Promise<Build[]> {
  const { versionSummaries } = (await describe(client, deploymentName))?.workerDeploymentInfo ?? {};
  return (versionSummaries ?? [])
    .map(({ deploymentVersion, status, createTime }) => ({
      buildId: deploymentVersion?.buildId ?? '',
      state: states[status ?? 0] ?? 'idle',
      seenAt: new Date(Number(createTime?.seconds ?? 0) * 1000).toISOString(),
    }))
    .sort((a, b) => (a.seenAt < b.seenAt ? -1 : 1));
}

/**
 * What starts from now on starts on that build, and what is not pinned moves to it. Idempotent. Rejects with a `SetupError`
 * where no worker of it asks for work, or somebody else changed the deployment at the same moment.
 */
export async function makeCurrent(client: Client, deploymentName: string, buildId: string): Promise<void> {
  const described = await describe(client, deploymentName);
  const seen = (described?.workerDeploymentInfo?.versionSummaries ?? []).map(
    (summary) => summary.deploymentVersion?.buildId,
  );
  if (!described || !seen.includes(buildId))
    throw new SetupError(
      `No worker of build ${buildId} has asked for work in the deployment ${deploymentName}; seen were: ${seen.join(', ') || 'none'}.\nhint: start its worker first, with TUNELINE_WORKER_DEPLOYMENT=${deploymentName}.`,
    );
  const { namespace } = client.options;
  await client.workflowService
    .setWorkerDeploymentCurrentVersion({
      namespace,
      deploymentName,
      buildId,
      conflictToken: described.conflictToken,
      identity: client.options.identity,
    })
    .catch((error: unknown) => {
      if (isGrpcServiceError(error) && refusals.includes(error.code))
        throw new SetupError(
          `Build ${buildId} can't be made current: ${error.details}.\nhint: "scripts/tuneline builds" shows what there is.`,
        );
      throw error;
    });
}

async function describe({ workflowService, options: { namespace } }: Client, deploymentName: string) {
  return workflowService.describeWorkerDeployment({ namespace, deploymentName }).catch((error: unknown) => {
    if (isGrpcServiceError(error) && (error.code as number) === grpcNotFound) return undefined;
    throw error;
  });
}

const grpcNotFound = 5;
/** INVALID_ARGUMENT, NOT_FOUND and FAILED_PRECONDITION: in the server's words. */
const refusals: readonly number[] = [3, grpcNotFound, 9];

/** By the number that Temporal's API gives each; one that ramps takes some of what starts. */
const states: Readonly<Record<number, Build['state']>> = { 2: 'current', 3: 'current', 4: 'draining', 5: 'drained' };
