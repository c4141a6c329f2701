import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startMlflow } from './mlflow-server.ts';
import { bundleSources, startTemporal } from './temporal.ts';

/**
 * The servers that all test files of one `npm test` share, each started when a file first asks for it.
 * `GET /NAME` answers with how to reach it, as JSON. Ends with whoever holds its standard input, also a killed one.
 */
const folder = await mkdtemp(join(tmpdir(), 'tuneline-shared-'));
const stops: (() => Promise<unknown>)[] = [];

const services: Readonly<Record<string, () => Promise<object>>> = {
  async temporal() {
    const server = await startTemporal();
    stops.push(() => server.teardown());
    return { address: server.address };
  },
  async mlflow() {
    const server = await startMlflow();
    stops.push(() => server.stop());
    return { trackingUri: server.trackingUri };
  },
  async cluster() {
    // Loaded late: only the suites of clusters need the Kubernetes client.
    const { startCluster } = await import('../cluster/support/cluster.ts');
    const report = (message: string): void => void process.stderr.write(`${message}\n`);
    const cluster = await startCluster({ report, withKueue: true, withJobSet: true });
    stops.push(() => cluster.stop());
    return { kubeconfigPath: cluster.kubeconfigPath };
  },
  plainWorkflows: () => writeBundle(false),
  tracedWorkflows: () => writeBundle(true),
};

async function writeBundle(traced: boolean): Promise<object> {
  const codePath = join(folder, traced ? 'traced.js' : 'plain.js');
  await writeFile(codePath, (await bundleSources({ traced })).code);
  return { codePath };
}

const started = new Map<string, Promise<object>>();
function ask(name: string): Promise<object> {
  const start = services[name];
  if (!start) return Promise.reject(new Error(`there is no shared service ${name}`));
  const asked = started.get(name) ?? start();
  started.set(name, asked);
  return asked;
}

const server = createServer((request, response) => {
  ask(request.url?.slice(1) ?? '').then(
    (found) => response.end(JSON.stringify(found)),
    (error: unknown) => response.writeHead(500).end(String(error)),
  );
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});

// Ctrl-C reaches the whole group: the runner closes the input when its tests have ended.
process.on('SIGINT', () => undefined);
process.stdin.resume().on('close', () => {
  server.close();
  void Promise.allSettled(stops.map((stop) => stop()))
    .then(() => rm(folder, { recursive: true, force: true }))
    .then(() => process.exit(0));
});
