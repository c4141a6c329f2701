import { join } from 'node:path';
import { createMlflow } from '../mlflow/index.ts';
import { createAccess } from './console/access.ts';
import { loadConfig, taskQueue } from './config.ts';
import { exitClearly } from './exit-clearly.ts';
import { loadAssets } from './console/assets.ts';
import { openEvents } from './events/open.ts';
import { createLiveLifecycles } from './console/live-lifecycles.ts';
import { createArtifactReader } from './console/read-artifact.ts';
import { createConsole } from './console/server.ts';
import { readFleet } from './metrics/fleet.ts';
import { createConsoleMetrics } from './metrics/console-metrics.ts';
import { serveMetrics } from './metrics/serve-metrics.ts';
import { listen, serve } from './serve.ts';
import { connectClient, temporalLinks } from './temporal.ts';
import { openTracing } from './tracing/open.ts';

/** The console, and the event routes if there are rules for events. Lifecycles run without this process. */
exitClearly();
const { consoleUrl, events, folders, metricsPort, temporal, tokensPath, ...config } = loadConfig();
const mlflow = createMlflow(config.mlflow);

const log = (message: string): void => void process.stderr.write(`${new Date().toISOString()} ${message}\n`);
const tracing = await openTracing(config.tracing, 'tuneline-console', log);
const { client, connection } = await connectClient(temporal, tracing);
const eventServer = events && (await openEvents(events, client, log));
if (eventServer) tracing?.requests(eventServer, '/events/');
const server = createConsole({
  lifecycles: createLiveLifecycles({
    client,
    mlflow,
    readArtifact: createArtifactReader(join(folders.state, 'artifacts')),
  }),
  access: createAccess(tokensPath),
  assets: await loadAssets(join(folders.repository, 'web')),
  startUrl:
    temporal.uiUrl === undefined
      ? undefined
      : temporalLinks(temporal.uiUrl, temporal.namespace).start('lifecycle', taskQueue),
  log,
});
if (metricsPort !== undefined) {
  const metrics = createConsoleMetrics(() => readFleet(client, mlflow.servedModels, Date.now()));
  metrics.watch(server);
  if (eventServer) metrics.watch(eventServer);
  await serveMetrics(metricsPort, metrics.text);
}
if (events && eventServer) await listen(eventServer, events.url);
await serve(server, consoleUrl, async () => {
  await eventServer?.close();
  await connection.close();
  await tracing?.close();
});
