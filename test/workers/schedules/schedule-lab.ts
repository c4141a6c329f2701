import { activityInfo } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { WorkflowBundle } from '@temporalio/worker';
import { afterAll, beforeAll } from '@jest/globals';
import type { Activities } from '../../../activities/index.ts';
import { checkScheduleSpec, type ScheduleSpecInput } from '../../../domain/spec/schedule-spec.ts';
import { taskQueue } from '../../../workers/config.ts';
import { triggerSchedule } from '../../../workers/schedules/lifecycle-schedules.ts';
import type { LifecycleSchedule } from '../../../workers/schedules/schedule-options.ts';
import { ensureSearchAttributes } from '../../../workers/search-attributes.ts';
import { releaseEndedSignal } from '../../../workflows/messages.ts';
import { fakeActivities } from '../../builders/activities.ts';
import { specInput } from '../../builders/specs.ts';
import { bundleWorkflows, createWorker, startDevServer } from '../../support/temporal.ts';
import { until } from '../../support/until.ts';
import { promotedReply } from '../../workflows/lifecycle-lab.ts';

/** Once a year, so that nothing starts by itself. */
export function schedule(id: string, change: Partial<ScheduleSpecInput> = {}): LifecycleSchedule {
  const spec = { ...specInput() };
  const checked = checkScheduleSpec({ id, spec, cron: '0 3 1 1 *', ...change });
  if (checked.ok) return { ...checked.schedule, spec };
  throw new Error(JSON.stringify(checked.problems));
}

/** One namespace for all tests of a file, and workers for the lifecycles that schedules start there. */
export function openScheduleLab() {
  let server: TestWorkflowEnvironment;
  let client: Client;
  let workflowBundle: WorkflowBundle;
  beforeAll(async () => {
    server = await startDevServer();
    client = server.client;
    await ensureSearchAttributes(client);
    workflowBundle = await bundleWorkflows();
  });
  afterAll(() => server.teardown());

  /** In place of the endpoint's execution. */
  const releaseAtOnce: Activities['askEndpoint'] = (request) =>
    client.workflow
      .getHandle(activityInfo().workflowExecution?.workflowId ?? '')
      .signal(releaseEndedSignal, promotedReply(request));

  /** Keeps a worker for the lifecycles that schedules start. */
  async function whileWorking<T>(given: Partial<Activities>, during: () => Promise<T>): Promise<T> {
    const worker = await createWorker(server, {
      taskQueue,
      workflowBundle,
      activities: fakeActivities({ askEndpoint: releaseAtOnce, ...given }).activities,
    });
    return worker.runUntil(during);
  }

  const ended = (workflowId: string) => client.workflow.result(workflowId).catch((error: unknown) => error);

  let startedAtSecond = 0;
  const secondNow = (): number => Math.floor(Date.now() / 1000);

  /** Temporal names what a schedule starts by the second, so that each takes one of its own. */
  async function triggered(id: string): Promise<string> {
    await until(() => Promise.resolve(secondNow() > startedAtSecond));
    startedAtSecond = secondNow() + 1;
    const workflowId = await triggerSchedule(client, id);
    if (workflowId === undefined) throw new Error('nothing was started');
    return workflowId;
  }

  return {
    /** Available in hooks and tests. */
    get client() {
      return client;
    },
    ...{ whileWorking, ended, triggered },
  };
}
