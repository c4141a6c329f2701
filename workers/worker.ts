import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chown, mkdir, readFile } from 'node:fs/promises';
import { availableParallelism, hostname } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { createActivities } from '../activities/index.ts';
import type { ArtifactStore } from '../domain/artifact-store.ts';
import type { JobRequest, JobRunner } from '../domain/job/job.ts';
import type { EndpointHost } from '../domain/endpoint/release.ts';
import { createKubernetesEndpointHost } from '../k8s/releases/endpoint-host.ts';
import { createKubernetesJobRunner } from '../k8s/jobs/job-runner.ts';
import { whileLeading } from '../k8s/lease.ts';
import { gpusOf } from '../k8s/manifests/job.ts';
import { createLocalArtifactStore } from '../local/artifact-store.ts';
import { createEndpointClient } from '../local/endpoint-client.ts';
import { createLocalJobRunner } from '../local/job-runner.ts';
import { createMlflow } from '../mlflow/index.ts';
import { createTracking } from '../mlflow/tracking.ts';
import { jobHeartbeatTimeoutMs } from '../workflows/activity-options.ts';
import { pinnedTo } from './builds.ts';
import { buildIdOf, digestWorkflowsCode } from './code-identity.ts';
import { loadConfig, taskQueue, type Config } from './config.ts';
import { createEndpointQueue } from './endpoint-queue.ts';
import { exitClearly } from './exit-clearly.ts';
import { serveHealth } from './health.ts';
import { jobProcess } from './jobs/job-process.ts';
import { isAwaited } from './executions.ts';
import { createJobReporter } from './jobs/job-reporter.ts';
import { JobTracker } from './jobs/job-tracker.ts';
import { connect, jobGraceMs, placementOf } from './kubernetes.ts';
import { createSchedules } from './schedules/lifecycle-schedules.ts';
import { countJobs } from './metrics/job-metrics.ts';
import { metricsAt } from './metrics/core-metrics.ts';
import { releasePlacementOf } from './kubernetes-releases.ts';
import { ensureSchedules } from './schedules/schedules.ts';
import { ensureSearchAttributes } from './search-attributes.ts';
import { connectClient } from './temporal.ts';
import { openTracing } from './tracing/open.ts';
import { workspaceOf } from './workspace.ts';

exitClearly();
const config = loadConfig();
const placement = placementOf(config);
const releasePlacement = releasePlacementOf(config, placement);
const logger = new DefaultLogger('INFO');
Runtime.install({ logger, ...metricsAt(config.metricsPort) });

const log = (message: string, fields: Record<string, unknown> = {}): void => logger.warn(message, fields);
const tracing = await openTracing(config.tracing, 'tuneline-worker', log);
const { client, connection: clientConnection } = await connectClient(config.temporal, tracing);
const connection = await NativeConnection.connect(config.temporal.connection);

await ensureSearchAttributes(client);
await ensureSchedules(client);

const tracking = createTracking(createMlflow(config.mlflow));
const cluster = placement && connect();
const runner = createRunner(config);
let tracker: JobTracker | undefined;

const worker = await Worker.create({
  connection,
  namespace: config.temporal.namespace,
  taskQueue,
  workflowBundle: { codePath: await bundleWorkflows(join(config.folders.home, 'cache')) },
  ...tracing?.worker,
  ...(config.workerDeployment === undefined
    ? {}
    : { workerDeploymentOptions: pinnedTo(config.workerDeployment, await buildIdOf(config.folders.repository)) }),
  // A lifecycle that waits for its Job needs no cache entry, and each entry takes a third of a MiB.
  maxCachedWorkflows: 100,
  activities: createActivities({
    runner,
    tracking,
    isAwaited: (owner) => isAwaited(client, owner),
    // If another worker leads, that worker finds the Job through its own watch.
    track: (request) => tracker?.track(request),
    artifacts: await openArtifacts(join(config.folders.state, 'artifacts')),
    endpoints: createEndpoints(config),
    endpointQueue: createEndpointQueue(client),
    schedules: createSchedules(client),
    ...(tracing ? { traceparent: () => tracing.traceparent() } : {}),
    reviewWebhook: config.reviewWebhook,
    workspace: await workspaceOf(config),
  }),
});

const health =
  config.healthPort === undefined
    ? undefined
    : await serveHealth(config.healthPort, () => worker.getState() === 'RUNNING');
const stop = new AbortController();
const leading =
  cluster && placement
    ? whileLeading(
        {
          api: cluster.coordination,
          namespace: placement.namespace,
          name: 'tuneline-worker',
          holder: `${hostname()}-${randomUUID()}`,
          log,
        },
        stop.signal,
        trackJobs,
      )
    : trackJobs(stop.signal);
process.send?.('ready');
try {
  await worker.run();
} finally {
  stop.abort();
  await leading;
  health?.close();
  await clientConnection.close();
  await connection.close();
  await tracing?.close();
}

/**
 * The path of the workflow bundle. Reuses a bundle of the same sources. Without tracing, the bundle contains no tracing
 * code, because every open workflow would pay memory for it. Both bundles have the same build ID, because they behave
 * the same.
 */
async function bundleWorkflows(cache: string): Promise<string> {
  const traced = tracing ? ['-traced'] : [];
  const path = join(
    cache,
    `workflows-${(await digestWorkflowsCode(config.folders.repository)).slice(-16)}${traced.join('')}.js`,
  );
  if (existsSync(path)) return path;
  await mkdir(cache, { recursive: true });
  const bundler = fork(fileURLToPath(new URL('bundle-workflows.ts', import.meta.url)), [path, ...traced]);
  const [code] = (await once(bundler, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`the workflows could not be bundled: the bundler ended with ${code}`);
  return path;
}

/** Tracks Jobs. On a cluster only the leading worker does so, so that each end is reported once. */
async function trackJobs(signal: AbortSignal): Promise<void> {
  const reporter = createJobReporter({ client, tracking, runner });
  const traced = tracing ? tracing.jobs(reporter, whereItRan) : reporter;
  tracker = new JobTracker({
    runner,
    reporter: countJobs(traced, Runtime.instance().metricMeter),
    heartbeatMs: jobHeartbeatTimeoutMs / 4,
    log,
  });
  tracker.start();
  if (!signal.aborted) await once(signal, 'abort');
  await tracker.stop();
  tracker = undefined;
}

function whereItRan({ spec }: JobRequest): Readonly<Record<string, string | number>> {
  return placement
    ? {
        'k8s.namespace.name': placement.namespace,
        'container.image.name': placement.image,
        'tuneline.gpus': gpusOf(spec, placement),
      }
    : {};
}

function createRunner(from: Config): JobRunner {
  if (cluster && placement) return createKubernetesJobRunner({ cluster, placement, log });
  return createLocalJobRunner({
    ...jobProcess(from),
    root: join(from.folders.state, 'jobs'),
    slots: availableParallelism(),
    graceMs: jobGraceMs,
  });
}

function createEndpoints({ endpointUrl: url, folders }: Config): EndpointHost {
  if (cluster && releasePlacement) return createKubernetesEndpointHost({ cluster, placement: releasePlacement, log });
  return createEndpointClient({
    url,
    readToken: async () => (await readFile(join(folders.state, 'endpoint-token'), 'utf8')).trim(),
  });
}

/** Opens the artifact store that this worker shares with the cluster's Jobs. Both must be able to read and write it. */
async function openArtifacts(folder: string): Promise<ArtifactStore> {
  await mkdir(folder, { recursive: true });
  const owner = placement && process.getuid?.() === 0 ? placement.userId : undefined;
  if (owner !== undefined) await chown(folder, owner, owner);
  return createLocalArtifactStore(folder, owner);
}
