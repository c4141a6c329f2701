import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Connection, type WorkflowHandle } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { MockActivityEnvironment, TestWorkflowEnvironment } from '@temporalio/testing';
import {
  bundleWorkflowCode,
  DefaultLogger,
  makeTelemetryFilterString,
  Runtime,
  Worker,
  type WorkerOptions,
  type WorkflowBundle,
  type WorkflowBundlePath,
} from '@temporalio/worker';
import { keyword } from '../../workers/search-attributes.ts';
import { searchAttributeNames } from '../../workflows/search-attributes.ts';
import { shared } from './shared.ts';
import { until } from './until.ts';

type History = Awaited<ReturnType<WorkflowHandle['fetchHistory']>>;
type HistoryEvent = NonNullable<History['events']>[number];

/** Worker logs would drown what a failed test says. */
const logger = new DefaultLogger('ERROR');

/** Timers take no time while a result is awaited. */
export async function startTimeSkipping(): Promise<TestWorkflowEnvironment> {
  quieten();
  const environment = await TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: tool('temporal-test-server') },
  });
  // This server can't list what it knows, so it is told unasked.
  const { namespace } = environment.client.options;
  await environment.connection.operatorService.addSearchAttributes({
    namespace,
    searchAttributes: Object.fromEntries(searchAttributeNames.map((name) => [name, keyword])),
  });
  return environment;
}

/** A Temporal server as people run it, in memory. */
export function startTemporal(): Promise<TestWorkflowEnvironment> {
  quieten();
  return TestWorkflowEnvironment.createLocal({ server: { executable: tool('temporal') } });
}

/**
 * A new namespace on the server that the test files of one run share, or on a server of this file's own.
 * Nothing is registered there, not even our search attributes. Child processes need both `temporalVariables`.
 */
export async function startDevServer(): Promise<TestWorkflowEnvironment> {
  const server = await shared<{ readonly address: string }>('temporal');
  if (!server) return startTemporal();
  quieten();
  const namespace = `test-${randomUUID()}`;
  const connection = await Connection.connect({ address: server.address });
  await connection.workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod: msToTs('1 day') });
  await connection.close();
  return TestWorkflowEnvironment.createFromExistingServer({ address: server.address, namespace });
}

/** A worker in the environment's namespace. */
export const createWorker = (
  { nativeConnection, namespace = 'default' }: TestWorkflowEnvironment,
  options: Omit<WorkerOptions, 'connection' | 'namespace'>,
): Promise<Worker> => Worker.create({ connection: nativeConnection, namespace, ...options });

/** Points a child process at the server and the namespace of this file. */
export const temporalVariables = ({
  address,
  namespace,
}: TestWorkflowEnvironment): Readonly<Record<string, string>> => ({
  TEMPORAL_ADDRESS: address,
  TEMPORAL_NAMESPACE: namespace ?? 'default',
});

/** What an activity finds around it where no worker runs it. */
export const activityEnvironment = (info: ConstructorParameters<typeof MockActivityEnvironment>[0] = {}) =>
  new MockActivityEnvironment(info, { logger });

const workflows = new URL('../../workflows/index.ts', import.meta.url);

interface BundleOptions {
  /** The product's workflows if undefined. */
  readonly source?: URL | undefined;
  readonly traced?: boolean | undefined;
}

/** The workflows as a worker takes them; the product's are bundled once for all test files of a run. */
export async function bundleWorkflows({ source, traced = false }: BundleOptions = {}): Promise<WorkflowBundle> {
  const ready = source ? undefined : await shared<WorkflowBundlePath>(traced ? 'tracedWorkflows' : 'plainWorkflows');
  return ready ? { code: await readFile(ready.codePath, 'utf8') } : bundleSources({ source, traced });
}

/** Bundles anew. */
export function bundleSources({ source = workflows, traced = false }: BundleOptions = {}): Promise<WorkflowBundle> {
  quieten();
  const interceptors = fileURLToPath(new URL('../../workflows/trace-interceptors.ts', import.meta.url));
  return bundleWorkflowCode({
    workflowsPath: fileURLToPath(source),
    workflowInterceptorModules: traced ? [interceptors] : [],
    logger,
  });
}

/** For a traced bundle in a worker without tracing. */
export const deafSinks = { exporter: { export: { fn: () => undefined } } };

/** Resolves once the execution's history is as wanted. The time-skipping server can't be asked to wait for an event. */
export const untilHistory = (
  handle: Pick<WorkflowHandle, 'fetchHistory'>,
  isAsWanted: (events: readonly HistoryEvent[]) => boolean,
): Promise<boolean> => until(async () => isAsWanted((await handle.fetchHistory()).events ?? []));

const tool = (name: string) => ({
  type: 'existing-path' as const,
  path: fileURLToPath(new URL(`../../.tuneline/tools/services/bin/${name}`, import.meta.url)),
});

let quiet = false;
/** One process has one runtime. */
export function quieten(): void {
  if (!quiet)
    Runtime.install({
      logger,
      telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) } },
    });
  quiet = true;
}
