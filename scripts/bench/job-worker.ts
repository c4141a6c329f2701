import { subscribe } from 'node:diagnostics_channel';
import { CompleteAsyncError } from '@temporalio/activity';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import type { JobRequest } from '../../domain/job/job.ts';
import { connectCluster } from '../../k8s/client.ts';
import { createKubernetesJobRunner } from '../../k8s/jobs/job-runner.ts';
import { loadKubeConfig } from '../../k8s/kube-config.ts';
import { createMlflow } from '../../mlflow/index.ts';
import { createTracking } from '../../mlflow/tracking.ts';
import { createJobReporter } from '../../workers/jobs/job-reporter.ts';
import { JobTracker, type JobReporter } from '../../workers/jobs/job-tracker.ts';
import { jobHeartbeatTimeoutMs } from '../../workflows/activity-options.ts';
import { neverEnding } from '../../test/cluster/support/never-ending.ts';
import { inParallel } from './in-parallel.ts';
import {
  benchTaskQueue,
  monotonicMs,
  type HoldActivities,
  type JobWorkerOrder,
  type JobWorkerSettings,
  type JobWorkerWord,
} from './job-worker-messages.ts';

/** The worker under test, in a process of its own: put together as `workers/worker.ts` does it, and nothing beside it. */
const settings = JSON.parse(process.argv[2] ?? '{}') as JobWorkerSettings;
/** A lifecycle that waits for its Job has nothing to do, and each that is kept takes 0.3 MiB. */
const maxCachedWorkflows = 100;
const tell = (word: JobWorkerWord) => process.send?.(word);
const log = (message: string, fields: Record<string, unknown>) =>
  process.stderr.write(`${message} ${JSON.stringify(fields)}\n`);

const kubeConfig = loadKubeConfig(settings.kubeconfigPath);
if (!kubeConfig) throw new Error('the kubeconfig names no cluster');
const apiServer = new URL(kubeConfig.getCurrentCluster()?.server ?? '').origin;
let requests = 0;
subscribe('undici:request:create', (message) => {
  if ((message as { request: { origin: string | URL } }).request.origin.toString().startsWith(apiServer)) requests += 1;
});

Runtime.install({ logger: new DefaultLogger('ERROR') });
const connection = await NativeConnection.connect({ address: settings.temporalAddress });
const client = new Client({ connection: await Connection.connect({ address: settings.temporalAddress }) });
const runner = createKubernetesJobRunner({
  cluster: neverEnding(connectCluster(kubeConfig)),
  placement: { namespace: settings.namespace, image: 'none', env: {}, gpus: 0, graceSeconds: 1, userId: 10_001 },
  log,
});
const reporter = createJobReporter({
  client,
  tracking: createTracking(createMlflow({ trackingUri: settings.mlflowUri })),
  runner,
});
const tracker = new JobTracker({
  runner,
  reporter: { ...reporter, complete },
  heartbeatMs: jobHeartbeatTimeoutMs / 4,
  log,
});
const activities: HoldActivities = {
  holdJob() {
    tell({ what: 'held' });
    throw new CompleteAsyncError();
  },
};
const worker = await Worker.create({
  connection,
  taskQueue: benchTaskQueue,
  workflowBundle: { codePath: settings.bundlePath },
  activities,
  maxCachedWorkflows,
});

let peakRssMiB = 0;
const sampling = setInterval(() => (peakRssMiB = Math.max(peakRssMiB, process.memoryUsage.rss() / 2 ** 20)), 500);
const { promise: stopped, resolve: stop } = Promise.withResolvers<undefined>();
process.on('message', (order: JobWorkerOrder) => {
  if (order.do === 'create') void create(order.requests).then((seconds) => tell({ what: 'created', seconds }));
  else stop(undefined);
});
tracker.start();
tell({ what: 'ready' });
await worker.runUntil(stopped);
clearInterval(sampling);
await tracker.stop();
await client.connection.close();
await connection.close();
tell({ what: 'stopped', requests, peakRssMiB });
process.disconnect();

async function create(wanted: readonly JobRequest[]): Promise<number> {
  const startedAt = performance.now();
  await inParallel(wanted, async (request) => {
    await runner.create(request);
    tracker.track(request);
  });
  return (performance.now() - startedAt) / 1000;
}

async function complete(
  ...[request, outcome]: Parameters<JobReporter['complete']>
): ReturnType<JobReporter['complete']> {
  const answer = await reporter.complete(request, outcome);
  if (answer === 'completed') tell({ what: 'completed', job: request.name, atMs: monotonicMs() });
  return answer;
}
