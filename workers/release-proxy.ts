import type { ReleaseProxySettings } from '../domain/endpoint/release-proxy-settings.ts';
import { createMlflow } from '../mlflow/index.ts';
import { createTraceStore } from '../mlflow/trace-store.ts';
import { createEngines } from '../serving/engines.ts';
import { createReleaseProxy } from '../serving/release-proxy.ts';
import { createObservationBook } from '../serving/observations.ts';
import { SetupError } from '../local/setup-error.ts';
import { createApiKeys } from './api-keys.ts';
import { loadConfig } from './config.ts';
import { exitClearly } from './exit-clearly.ts';

/** The release proxy: the process in the pod of a release that clients reach. It forwards to the engine beside it. */
exitClearly();
const { releaseProxy, mlflow } = loadConfig();
if (releaseProxy === undefined)
  throw new SetupError(
    'TUNELINE_RELEASE_PROXY is missing: expected the settings of a release proxy as JSON, which the worker writes into the pods of a release.',
  );
const settings = JSON.parse(releaseProxy) as ReleaseProxySettings;
const log = (message: string): void => void process.stderr.write(`${new Date().toISOString()} ${message}\n`);

const { clients, internal } = createReleaseProxy(settings, {
  engines: createEngines(),
  observations: createObservationBook({ log }),
  keys: createApiKeys(settings.keysPath),
  traces: createTraceStore(createMlflow(mlflow)),
  log,
});
// All interfaces, because this process can't know through which one clients reach the pod.
await internal.listen({ host: '::', port: settings.internalPort });
await clients.listen({ host: '::', port: settings.port });
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    void clients
      .close()
      .then(() => internal.close())
      .then(() => process.exit(0));
  });
