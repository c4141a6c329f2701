import { isGrpcServiceError, type Client } from '@temporalio/client';
import type { WorkerDeploymentOptions } from '@temporalio/worker';
import { SetupError } from '../local/setup-error.ts';

/** A build of the worker, as Temporal knows it. */
export interface Build {
  readonly buildId: string;
  /**
   * `current`: new executions start on it. `draining`: open executions are pinned to it, so its worker must stay.
   * `drained`: no open execution is pinned to it, so its worker may be removed. `idle`: it was never current.
   */
  readonly state: 'current' | 'draining' | 'drained' | 'idle';
  /** The time at which a worker of this build first polled for work. */
  readonly seenAt: string;
}

/** Pins every workflow to the build on which it started, unless the workflow declares another behaviour. */
export const pinnedTo = (deploymentName: string, buildId: string): WorkerDeploymentOptions => ({
  version: { deploymentName, buildId },
  useWorkerVersioning: true,
  defaultVersioningBehavior: 'PINNED',
});

/** Oldest first. Empty if no worker of this deployment was ever seen. */
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
 * New executions start on this build, and executions that are not pinned move to it. Idempotent. Rejects with a
 * `SetupError` if no worker of this build polls for work, or if the deployment was changed at the same moment.
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
/** INVALID_ARGUMENT, NOT_FOUND and FAILED_PRECONDITION. The user sees the server's own message. */
const refusals: readonly number[] = [3, grpcNotFound, 9];

/** Keys are the status numbers of Temporal's API. 3 is a ramping build: it gets a share of the new executions. */
const states: Readonly<Record<number, Build['state']>> = { 2: 'current', 3: 'current', 4: 'draining', 5: 'drained' };
