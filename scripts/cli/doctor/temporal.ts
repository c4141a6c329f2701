import { isGrpcServiceError, type Client } from '@temporalio/client';
import type { Finding } from '../../../k8s/doctor/finding.ts';
import { listBuilds } from '../../../workers/builds.ts';
import { taskQueue, type Config } from '../../../workers/config.ts';
import { searchAttributeNames } from '../../../workflows/search-attributes.ts';
import { connectTemporal } from '../connect.ts';

export async function inspectTemporal(config: Config): Promise<Finding[]> {
  const client = await connectTemporal(config);
  try {
    const { namespace, connection } = config.temporal;
    const server = { what: 'Temporal', ok: true, detail: connection.address ?? 'its default address' };
    const its = await inspectNamespace(client, namespace);
    if (!its.ok) return [server, its];
    const findings = await Promise.all([
      inspectSearchAttributes(client, namespace),
      inspectWorker(client, config),
      inspectBuilds(client, config),
    ]);
    return [server, its, ...findings.flat()];
  } finally {
    await client.connection.close();
  }
}

const grpcNotFound = 5;

async function inspectNamespace({ workflowService }: Client, namespace: string): Promise<Finding> {
  const what = 'Temporal namespace';
  try {
    await workflowService.describeNamespace({ namespace });
    return { what, ok: true, detail: namespace };
  } catch (error) {
    if (isGrpcServiceError(error) && (error.code as number) === grpcNotFound)
      return {
        what,
        ok: false,
        detail: `${namespace} does not exist`,
        remedy: `temporal operator namespace create --namespace ${namespace}`,
      };
    return {
      what,
      ok: false,
      detail: `${namespace}: ${isGrpcServiceError(error) ? error.details : String(error)}`,
      remedy: 'check the credentials: TEMPORAL_API_KEY, or the certificates of the profile',
    };
  }
}

async function inspectSearchAttributes({ connection }: Client, namespace: string): Promise<Finding> {
  const what = 'search attributes';
  const known = await connection.operatorService.listSearchAttributes({ namespace }).catch(() => undefined);
  if (!known) return { what, ok: true, detail: "can't be seen with this account" };
  const missing = searchAttributeNames.filter((name) => !Object.hasOwn(known.customAttributes, name));
  if (missing.length === 0) return { what, ok: true, detail: searchAttributeNames.join(', ') };
  const command = `temporal operator search-attribute create --namespace ${namespace} ${missing.map((name) => `--name ${name} --type Keyword`).join(' ')}`;
  return {
    what,
    ok: false,
    detail: `missing: ${missing.join(', ')}`,
    remedy: `start a worker, which adds them where it may; else ${command}`,
  };
}

async function inspectWorker(
  { workflowService }: Client,
  { temporal: { namespace, embedded }, runner }: Config,
): Promise<Finding> {
  const what = 'worker';
  const asked = await workflowService
    .describeTaskQueue({ namespace, taskQueue: { name: taskQueue } })
    .catch((error: unknown) => error as Error);
  if (asked instanceof Error) return { what, ok: true, detail: "can't be seen with this account" };
  const [poller] = asked.pollers;
  if (poller)
    return { what, ok: true, detail: `${poller.identity ?? 'one'} asks for work on the task queue ${taskQueue}` };
  const remedy =
    runner === 'local' || embedded
      ? 'scripts/tuneline up'
      : 'scripts/tuneline up, or where the worker is a Deployment: kubectl -n tuneline logs deploy/worker';
  return { what, ok: false, detail: `nobody asks for work on the task queue ${taskQueue}`, remedy };
}

/** A versioned worker gets nothing to do until one of its builds is current. */
export async function inspectBuilds(
  client: Client,
  { workerDeployment }: Pick<Config, 'workerDeployment'>,
): Promise<Finding[]> {
  if (workerDeployment === undefined) return [];
  const builds = await listBuilds(client, workerDeployment);
  const [current] = builds.filter(({ state }) => state === 'current');
  if (current)
    return [
      {
        what: 'worker build',
        ok: true,
        detail: `${current.buildId} is current, of ${builds.length} in the deployment ${workerDeployment}`,
      },
    ];
  return [
    {
      what: 'worker build',
      ok: false,
      detail: `none of the deployment ${workerDeployment} is current: its workers get no lifecycle`,
      remedy: 'kubectl -n tuneline exec deploy/WORKER -- node scripts/cli/tuneline.ts builds --make-current',
    },
  ];
}
