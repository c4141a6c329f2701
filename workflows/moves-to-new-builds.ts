import { workflowInfo, type setWorkflowOptions } from '@temporalio/workflow';

/**
 * For `setWorkflowOptions`: the workflow moves to the build that is current at its next task, where the worker is versioned. Where
 * it is not Temporal refuses every answer that names such a behaviour, and the execution would never get on.
 */
export const movesToNewBuilds: Parameters<typeof setWorkflowOptions>[0] = () =>
  workflowInfo().currentDeploymentVersion?.deploymentName ? { versioningBehavior: 'AUTO_UPGRADE' } : {};
