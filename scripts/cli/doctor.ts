import { access, mkdtemp, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isGrpcServiceError, type Client } from '@temporalio/client';
import { reviewersOf } from '../../domain/review/access-tokens.ts';
import { inspectCluster } from '../../k8s/doctor.ts';
import { inspectConsole } from '../../k8s/doctor/console.ts';
import type { Finding } from '../../k8s/doctor/finding.ts';
import { inspectServing } from '../../k8s/doctor-serving.ts';
import type { JobPlacement } from '../../k8s/manifests/job.ts';
import { SetupError } from '../../local/setup-error.ts';
import { readTokens } from '../../workers/console/access.ts';
import { listBuilds } from '../../workers/builds.ts';
import { taskQueue, type Config } from '../../workers/config.ts';
import { connect, placementOf } from '../../workers/kubernetes.ts';
import { releasePlacementOf } from '../../workers/kubernetes-releases.ts';
import { searchAttributeNames } from '../../workflows/search-attributes.ts';
import { connectMlflow, connectTemporal } from './connect.ts';

/** Looks at every part that lifecycles need, as it is configured; whatever is wrong is a finding, never an error. */
export async function diagnose(config: Config): Promise<Finding[]> {
  const parts = {
    Temporal: inspectTemporal,
    MLflow: inspectMlflow,
    storage: inspectStorage,
    'console tokens': inspectTokens,
    Kubernetes: inspectKubernetes,
  };
  const findings = await Promise.all(
    Object.entries(parts).map(([what, inspect]) =>
      inspect(config).catch((error: unknown): Finding[] => [broken(what, error)]),
    ),
  );
  return findings.flat();
}

/** One line a finding, and one more that says what to do about what is wrong. */
export function showFindings(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ what }) => what.length)) + 4;
  const block = (text: string): string => text.replaceAll('\n', `\n${' '.repeat(width)}`);
  return findings
    .map(
      ({ what, ok, detail, remedy }) =>
        `${ok ? '✓' : '✗'} ${what.padEnd(width - 2)}${block(detail)}\n${ok || !remedy ? '' : `${' '.repeat(width)}to do: ${block(remedy)}\n`}`,
    )
    .join('');
}

/** Throws a `SetupError` where the cluster can run no Job; returns what else is not as it should be. */
export async function ensureCluster(placement: JobPlacement): Promise<Finding[]> {
  const wrong = (await inspectCluster(connect(), placement)).filter(({ ok }) => !ok);
  const final = wrong.filter(({ mayPass }) => !mayPass);
  if (final.length > 0)
    throw new SetupError(
      `Jobs can't run on the cluster yet; nothing was started.\n${showFindings(final)}hint: "scripts/tuneline doctor --kubernetes" looks again.`,
    );
  return wrong;
}

async function inspectTemporal(config: Config): Promise<Finding[]> {
  const client = await connectTemporal(config);
  try {
    const { namespace, connection } = config.temporal;
    const server = { what: 'Temporal', ok: true, detail: connection.address ?? 'its default address' };
    const its = await inspectTemporalNamespace(client, namespace);
    return [
      server,
      its,
      ...(its.ok
        ? (
            await Promise.all([
              inspectSearchAttributes(client, namespace),
              inspectWorker(client, config),
              inspectBuilds(client, config),
            ])
          ).flat()
        : []),
    ];
  } finally {
    await client.connection.close();
  }
}

const grpcNotFound = 5;

async function inspectTemporalNamespace({ workflowService }: Client, namespace: string): Promise<Finding> {
  const what = 'Temporal namespace';
  try {
    await workflowService.describeNamespace({ namespace });
    return { what, ok: true, detail: namespace };
  } catch (error) {
    const isMissing = isGrpcServiceError(error) && (error.code as number) === grpcNotFound;
    const remedy = isMissing
      ? `temporal operator namespace create --namespace ${namespace}`
      : 'check the credentials: TEMPORAL_API_KEY, or the certificates of the profile';
    return {
      what,
      ok: false,
      detail: isMissing
        ? `${namespace} does not exist`
        : `${namespace}: ${isGrpcServiceError(error) ? error.details : String(error)}`,
      remedy,
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

async function inspectMlflow(config: Config): Promise<Finding[]> {
  const { trackingUri, embedded } = config.mlflow;
  const what = 'MLflow';
  try {
    const { version } = await connectMlflow(config).health();
    return [{ what, ok: true, detail: `${version} at ${trackingUri}` }];
  } catch (error) {
    return [
      {
        what,
        ok: false,
        detail: (error as Error).message,
        remedy: embedded
          ? 'scripts/tuneline up'
          : 'check MLFLOW_TRACKING_URI, and MLFLOW_TRACKING_TOKEN or user name and password',
      },
    ];
  }
}

async function inspectStorage({ folders: { state } }: Config): Promise<Finding[]> {
  const what = 'storage';
  const folder = await nearestFolder(state);
  try {
    const own = await mkdtemp(join(folder, '.doctor-'));
    // That a folder can be made does not mean that its blocks can be had.
    await writeFile(join(own, 'probe'), 'x').finally(() => rm(own, { recursive: true, force: true }));
    const { bavail, bsize } = await statfs(folder);
    return [{ what, ok: true, detail: `${state}, ${Math.floor((bavail * bsize) / 2 ** 30)} GiB free` }];
  } catch (error) {
    return [
      {
        what,
        ok: false,
        detail: `nothing can be written to ${folder}: ${(error as Error).message}`,
        remedy: 'make it writable for this user, or name another folder by TUNELINE_HOME',
      },
    ];
  }
}

/** The folder itself, or above it what there is of the way to it. */
const nearestFolder = (folder: string): Promise<string> =>
  access(folder).then(
    () => folder,
    () => (dirname(folder) === folder ? folder : nearestFolder(dirname(folder))),
  );

/** The file that a console of this machine reads; one on a cluster has a Secret in its place. */
async function inspectTokens({ runner, tokensPath: path }: Config): Promise<Finding[]> {
  const what = 'console tokens';
  const wrong = (detail: string, remedy: string): Finding[] => [
    { what, ok: false, detail: `${path} ${detail}`, remedy },
  ];
  const create = '"scripts/tuneline token create NAME --role reviewer" makes a token';
  try {
    const { mode } = await stat(path);
    const reviewers = reviewersOf(await readTokens(path));
    if ((mode & 0o006) !== 0) return wrong('is open to every user of this machine', `chmod o= ${path}`);
    if (reviewers.length === 0) return wrong('has no token of a reviewer: nobody may decide', create);
    return [{ what, ok: true, detail: `${path}, reviewers: ${reviewers.join(', ')}` }];
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    if (code !== 'ENOENT')
      return wrong(`can't be read: ${code}`, 'make it a file that this user reads, or name another by TUNELINE_TOKENS');
    return runner === 'local'
      ? wrong(
          'does not exist: nobody can sign in',
          `"scripts/tuneline up" makes one for you; ${create} for someone else`,
        )
      : [];
  }
}

async function inspectKubernetes(config: Config): Promise<Finding[]> {
  const placement = placementOf(config);
  if (!placement) return [];
  const cluster = connect();
  const releases = releasePlacementOf(config, placement);
  const findings = await inspectCluster(cluster, placement);
  if (!findings[0]?.ok) return findings;
  return [
    ...findings,
    ...(releases ? await inspectServing(cluster, releases) : []),
    ...(await inspectConsole(cluster, placement.namespace)),
  ];
}

/** An error that says what to do says it after a `hint:`. */
function broken(what: string, error: unknown): Finding {
  const message = error instanceof Error ? error.message : String(error);
  const [
    detail = '',
    remedy = `README.md, "${what === 'Kubernetes' ? 'On Kubernetes' : 'How it works'}", has the settings`,
  ] = message.split('\nhint: ');
  return { what, ok: false, detail, remedy };
}
