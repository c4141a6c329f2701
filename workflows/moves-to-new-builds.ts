import { workflowInfo, type setWorkflowOptions } from '@temporalio/workflow';

/**
 * For `setWorkflowOptions`: on a versioned worker, the workflow moves to the current build at its next task. On an
 * unversioned worker it must be left out, because Temporal would refuse every reply that names it, and the execution
 * would hang.
 */
export const movesToNewBuilds: Parameters<typeof setWorkflowOptions>[0] = () =>
  workflowInfo().currentDeploymentVersion?.deploymentName ? { versioningBehavior: 'AUTO_UPGRADE' } : {};
