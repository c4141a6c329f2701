import { afterAll, beforeAll } from '@jest/globals';
import type { Client } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { WorkflowBundle } from '@temporalio/worker';
import type { Activities } from '../../activities/index.ts';
import { ensureSearchAttributes } from '../../workers/search-attributes.ts';
import { bundleWorkflows, createWorker, startDevServer } from './temporal.ts';

export interface WorkflowLab {
  /** From the first test on. */
  readonly client: Client;
  /** Keeps a worker with these activities for as long as `during` takes. */
  withWorker<T>(taskQueue: string, activities: Partial<Activities>, during: () => Promise<T>): Promise<T>;
}

/** The Temporal that people run, as a worker of ours leaves it, and our workflows: one for all tests of a file. */
export function openWorkflowLab(): WorkflowLab {
  let environment: TestWorkflowEnvironment;
  let workflowBundle: WorkflowBundle;
  beforeAll(async () => {
    environment = await startDevServer();
    await ensureSearchAttributes(environment.client);
    workflowBundle = await bundleWorkflows();
  });
  afterAll(() => environment.teardown());
  return {
    get client() {
      return environment.client;
    },
    async withWorker(taskQueue, activities, during) {
      const worker = await createWorker(environment, { taskQueue, workflowBundle, activities });
      return worker.runUntil(during);
    },
  };
}
