import { WorkflowNotFoundError, type Client, type WorkflowExecutionDescription } from '@temporalio/client';
import type { JobOwner } from '../domain/job/job.ts';

/**
 * True if the execution that asked for a Job still runs. A reset execution continues under another run ID and adopts
 * the Jobs of the earlier run. A new execution with the same workflow ID does not.
 */
export async function isAwaited(client: Client, { workflowId, runId }: JobOwner): Promise<boolean> {
  const current = await describe(client, workflowId);
  if (current?.status.name !== 'RUNNING') return false;
  if (current.runId === runId) return true;
  const asked = await describe(client, workflowId, runId);
  return asked !== undefined && firstRunOf(asked) === firstRunOf(current);
}

const firstRunOf = ({ raw }: WorkflowExecutionDescription): string | null | undefined =>
  raw.workflowExecutionInfo?.firstRunId;

const describe = (
  client: Client,
  workflowId: string,
  runId?: string,
): Promise<WorkflowExecutionDescription | undefined> =>
  client.workflow
    .getHandle(workflowId, runId)
    .describe()
    .catch((error: unknown) => {
      if (error instanceof WorkflowNotFoundError) return undefined;
      throw error;
    });
