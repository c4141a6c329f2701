import { fileURLToPath } from 'node:url';
import type { WorkflowHandle } from '@temporalio/client';
import { MockActivityEnvironment, TestWorkflowEnvironment } from '@temporalio/testing';
import { bundleWorkflowCode, DefaultLogger, makeTelemetryFilterString, Runtime, type WorkflowBundle } from '@temporalio/worker';
import { keyword } from '../../workers/search-attributes.ts';
import { searchAttributeNames } from '../../workflows/search-attributes.ts';
import { until } from './until.ts';

type History = Awaited<ReturnType<WorkflowHandle['fetchHistory']>>;
type HistoryEvent = NonNullable<History['events']>[number];

/** Worker logs would drown what a failed test says. */
const logger = new DefaultLogger('ERROR');

/** Timers take no time while a result is awaited. */
export async function startTimeSkipping(): Promise<TestWorkflowEnvironment> {
  quieten();
  const environment = await TestWorkflowEnvironment.createTimeSkipping({ server: { executable: tool('temporal-test-server') } });
  // This server can't list what it knows, so it is told unasked.
  const { namespace } = environment.client.options;
  await environment.connection.operatorService.addSearchAttributes({ namespace, searchAttributes: Object.fromEntries(searchAttributeNames.map((name) => [name, keyword])) });
  return environment;
}

/** The server that people run, in memory, as new: without search attributes of ours. */
export function startDevServer(): Promise<TestWorkflowEnvironment> {
  quieten();
  return TestWorkflowEnvironment.createLocal({ server: { executable: tool('temporal') } });
}

/** What an activity finds around it where no worker runs it. */
export const activityEnvironment = (info: ConstructorParameters<typeof MockActivityEnvironment>[0] = {}) => new MockActivityEnvironment(info, { logger });

export function bundleWorkflows({ source = new URL('../../workflows/index.ts', import.meta.url), traced = false } = {}): Promise<WorkflowBundle> {
  quieten();
  const interceptors = fileURLToPath(new URL('../../workflows/trace-interceptors.ts', import.meta.url));
  return bundleWorkflowCode({ workflowsPath: fileURLToPath(source), workflowInterceptorModules: traced ? [interceptors] : [], logger });
}

/** For a traced bundle in a worker without tracing. */
export const deafSinks = { exporter: { export: { fn: () => undefined } } };

/** Resolves once the execution's history is as wanted. The time-skipping server can't be asked to wait for an event. */
export const untilHistory = (handle: Pick<WorkflowHandle, 'fetchHistory'>, isAsWanted: (events: readonly HistoryEvent[]) => boolean): Promise<boolean> =>
  until(async () => isAsWanted((await handle.fetchHistory()).events ?? []));

const tool = (name: string) => ({
  type: 'existing-path' as const,
  path: fileURLToPath(new URL(`../../.tuneline/tools/services/bin/${name}`, import.meta.url)),
});

let quiet = false;
/** One process has one runtime. */
export function quieten(): void {
  if (!quiet) Runtime.install({ logger, telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) } } });
  quiet = true;
}
