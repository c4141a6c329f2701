import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { createEndpointServer } from '../local/endpoint-server.ts';
import { LocalEndpoints } from '../local/endpoints.ts';
import { createEngineLauncher } from '../local/engine.ts';
import { SetupError } from '../local/setup-error.ts';
import { createMlflow } from '../mlflow/index.ts';
import { createTraceStore } from '../mlflow/trace-store.ts';
import { createObservationBook } from '../serving/observations.ts';
import { createApiKeys } from './api-keys.ts';
import { loadConfig } from './config.ts';
import { engineProcess } from './engine-process.ts';
import { exitClearly } from './exit-clearly.ts';
import { serve } from './serve.ts';
import { openTracing } from './tracing/open.ts';

exitClearly();
const config = loadConfig();
const { folders, endpointUrl, apiKeysPath, mlflow, tracing: tracingSettings } = config;
const keys = createApiKeys(apiKeysPath);
if (!isLoopback(endpointUrl) && !keys.areNeeded())
  throw new SetupError(
    `Everyone who can reach ${endpointUrl} could ask this endpoint.\nhint: "scripts/tuneline key create NAME" makes an API key, and then one is needed.`,
  );

const log = (message: string): void => void process.stderr.write(`${new Date().toISOString()} ${message}\n`);
const endpoints = new LocalEndpoints({
  root: join(folders.state, 'endpoints'),
  launch: createEngineLauncher(engineProcess(config, availableParallelism())),
  log,
});
const observations = createObservationBook({
  pathOf: (endpoint) => join(folders.state, 'endpoints', endpoint, 'observations.jsonl'),
  log,
});
const server = createEndpointServer({
  endpoints,
  observations,
  keys,
  traces: createTraceStore(createMlflow(mlflow)),
  log,
  adminToken: await readOrMakeToken(join(folders.state, 'endpoint-token')),
});

const tracing = await openTracing(tracingSettings, 'tuneline-endpoint', log);
tracing?.requests(server, '/v1/');

await endpoints.restore();
await serve(server, endpointUrl, async () => {
  await endpoints.close();
  await tracing?.close();
});

function isLoopback(url: string): boolean {
  const { hostname } = new URL(url);
  return hostname === 'localhost' || hostname === '[::1]' || /^127\./.test(hostname);
}

async function readOrMakeToken(path: string): Promise<string> {
  const existing = await readFile(path, 'utf8').catch(() => undefined);
  if (existing !== undefined) return existing.trim();
  await mkdir(dirname(path), { recursive: true });
  const token = randomBytes(32).toString('base64url');
  await writeFile(path, `${token}\n`, { mode: 0o600 });
  return token;
}
