import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createEndpointServer } from '../local/endpoint-server.ts';
import { LocalEndpoints } from '../local/endpoints.ts';
import { createEngineLauncher } from '../local/engine.ts';
import { createObservationBook } from '../serving/observations.ts';
import { loadConfig } from './config.ts';
import { quietPython } from './job-process.ts';
import { serve } from './serve.ts';

const { folders, endpointUrl, jobEnvironment } = loadConfig();

const log = (message: string): void => void process.stderr.write(`${new Date().toISOString()} ${message}\n`);
const endpoints = new LocalEndpoints({
  root: join(folders.state, 'endpoints'),
  launch: createEngineLauncher({
    command: (modelName, port) => [join(folders.home, 'tools', 'jobs', 'bin', 'transformers'), 'serve', modelName, '--host', '127.0.0.1', '--port', String(port)],
    env: { ...jobEnvironment, ...quietPython(folders.home), HF_HUB_OFFLINE: '1' },
  }),
  log,
});
const observations = createObservationBook({ pathOf: (endpoint) => join(folders.state, 'endpoints', endpoint, 'observations.jsonl'), log });
const server = createEndpointServer({ endpoints, observations, log, adminToken: await readOrMakeToken(join(folders.state, 'endpoint-token')) });

await endpoints.restore();
await serve(server, endpointUrl, () => endpoints.close());

async function readOrMakeToken(path: string): Promise<string> {
  const existing = await readFile(path, 'utf8').catch(() => undefined);
  if (existing !== undefined) return existing.trim();
  await mkdir(dirname(path), { recursive: true });
  const token = randomBytes(32).toString('base64url');
  await writeFile(path, `${token}\n`, { mode: 0o600 });
  return token;
}
