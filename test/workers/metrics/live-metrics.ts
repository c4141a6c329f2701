import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { freePort } from '../../../local/ports.ts';
import { quickStart } from '../../support/cli.ts';
import { repository } from '../../support/stack.ts';
import { startDevServer, temporalVariables } from '../../support/temporal.ts';

export interface LiveMetrics {
  readonly client: Client;
  /** What Prometheus would read there now. */
  scrape(program: 'worker' | 'console'): Promise<string>;
  readonly consoleUrl: string;
  close(): Promise<void>;
}

/** As MLflow answers with one model and its champion; test/mlflow/registry.test.ts asks MLflow itself. */
async function startRegistry(model: object, version: object) {
  const server = createServer((request, response) => {
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(
        JSON.stringify(
          request.url?.includes('registered-models/search')
            ? { registered_models: [model] }
            : { model_version: version },
        ),
      );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { trackingUri: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop: () => server.close() };
}

/** A worker and a console, processes as people run them, with a Temporal that is real and a registry with this in it. */
export async function startLiveMetrics(model: object, version: object): Promise<LiveMetrics> {
  const [temporal, mlflow, state] = await Promise.all([
    startDevServer(),
    startRegistry(model, version),
    mkdtemp(join(tmpdir(), 'tuneline-metrics-')),
  ]);
  const ports = { worker: await freePort(), console: await freePort() };
  const consoleUrl = `http://127.0.0.1:${await freePort()}`;
  const env = {
    ...quickStart,
    ...temporalVariables(temporal),
    TUNELINE_STATE: state,
    MLFLOW_TRACKING_URI: mlflow.trackingUri,
    TUNELINE_CONSOLE_URL: consoleUrl,
  };
  const start = async (program: 'worker' | 'console'): Promise<ChildProcess> => {
    const child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', join(repository, `workers/${program}.ts`)],
      {
        cwd: repository,
        env: { ...env, TUNELINE_METRICS_PORT: String(ports[program]) },
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      },
    );
    const [said] = (await Promise.race([once(child, 'message'), once(child, 'exit')])) as unknown[];
    if (said !== 'ready') throw new Error(`the ${program} ended before it was ready`);
    return child;
  };
  const programs = await Promise.all([start('worker'), start('console')]);
  return {
    client: temporal.client,
    scrape: async (program) => (await fetch(`http://127.0.0.1:${ports[program]}/metrics`)).text(),
    consoleUrl,
    close: async () => {
      await Promise.all(programs.map((child) => (child.kill('SIGTERM'), once(child, 'exit'))));
      mlflow.stop();
      await temporal.teardown();
      await rm(state, { recursive: true, maxRetries: 5 });
    },
  };
}
