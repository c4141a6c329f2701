import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Release } from '../../domain/endpoint/release.ts';
import { createEndpointServer } from '../../local/endpoint-server.ts';
import { LocalEndpoints } from '../../local/endpoints.ts';
import { createObservationBook } from '../../serving/observations.ts';

/** The local endpoint as it is, with its default guards, before an engine that runs already: its address is the first argument. */
const [engineUrl = ''] = process.argv.slice(2);
const release: Release = {
  endpoint: 'bench',
  model: 'bench',
  version: '1',
  weights: { uri: 'file:///weights', digest: `sha256:${'0'.repeat(64)}` },
  prompt: { name: 'bench', version: '1' },
};
const root = await mkdtemp(join(tmpdir(), 'tuneline-bench-endpoint-'));
const log = (): void => undefined;
const endpoints = new LocalEndpoints({
  root,
  log,
  launch: () =>
    Promise.resolve({
      url: engineUrl,
      modelName: 'bench',
      exited: new Promise(() => undefined),
      stop: () => Promise.resolve(),
    }),
});
await endpoints.prepare(release, {});
await endpoints.setTraffic('bench', [{ release, percent: 100 }]);
const server = createEndpointServer({
  ...{ endpoints, log, adminToken: 'bench' },
  observations: createObservationBook({ log, pathOf: (endpoint) => join(root, endpoint, 'observations.jsonl') }),
  keys: { areNeeded: () => false, nameOf: () => undefined },
  traces: { write: () => Promise.resolve(), assess: () => Promise.resolve() },
});
process.send?.(await server.listen({ host: '127.0.0.1', port: 0 }));
