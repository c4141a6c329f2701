import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { createActivities } from '../activities/index.ts';
import { createLocalArtifactStore } from '../local/artifact-store.ts';
import { createEndpointClient } from '../local/endpoint-client.ts';
import { createLocalJobRunner } from '../local/job-runner.ts';
import { createMlflow } from '../mlflow/index.ts';
import { createTracking } from '../mlflow/tracking.ts';
import { jobHeartbeatTimeoutMs } from '../workflows/activity-options.ts';
import { describeRevision, digestJobsCode } from './code-identity.ts';
import { loadConfig, taskQueue, type Config } from './config.ts';
import { jobProcess } from './job-process.ts';
import { createJobReporter } from './job-reporter.ts';
import { JobTracker } from './job-tracker.ts';
import { ensureSearchAttributes } from './search-attributes.ts';

/** Long enough for a checkpoint of a model that fits this machine. */
const jobGraceMs = 30_000;

const config = loadConfig();
const logger = new DefaultLogger('INFO');
Runtime.install({ logger });

const connection = await NativeConnection.connect(config.temporal.connection);
const clientConnection = await Connection.connect(config.temporal.connection);
const client = new Client({ connection: clientConnection, namespace: config.temporal.namespace });

await ensureSearchAttributes(client);

const { authorization } = config.mlflow;
const tracking = createTracking(createMlflow({ trackingUri: config.mlflow.trackingUri, ...(authorization ? { authorization } : {}) }));
const runner = createRunner(config);
const tracker = new JobTracker({
  runner,
  reporter: createJobReporter({ client, tracking, runner }),
  heartbeatMs: jobHeartbeatTimeoutMs / 4,
  log: (message, fields) => logger.warn(message, fields),
});

const worker = await Worker.create({
  connection,
  namespace: config.temporal.namespace,
  taskQueue,
  workflowsPath: fileURLToPath(new URL('../workflows/index.ts', import.meta.url)),
  activities: createActivities({
    runner,
    tracking,
    track: (request) => tracker.track(request),
    artifacts: createLocalArtifactStore(join(config.folders.state, 'artifacts')),
    endpoints: createEndpointClient({
      url: config.endpointUrl,
      readToken: async () => (await readFile(join(config.folders.state, 'endpoint-token'), 'utf8')).trim(),
    }),
    workspace: {
      root: config.folders.repository,
      models: join(config.folders.home, 'models'),
      codeDigest: await digestJobsCode(config.folders.repository),
      codeRevision: await describeRevision(config.folders.repository),
    },
  }),
});

tracker.start();
process.send?.('ready');
try {
  await worker.run();
} finally {
  await tracker.stop();
  await clientConnection.close();
  await connection.close();
}

function createRunner(from: Config) {
  return createLocalJobRunner({ ...jobProcess(from), root: join(from.folders.state, 'jobs'), slots: availableParallelism(), graceMs: jobGraceMs });
}
