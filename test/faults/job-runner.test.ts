import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connectCluster } from '../../k8s/client.ts';
import { createKubernetesJobRunner } from '../../k8s/jobs/job-runner.ts';
import { jobNameLabel, labels, managedBy } from '../../k8s/names.ts';
import { kubeConfigFor, startFakeApiServer, type FakeApiServer } from './api-server.ts';
import type { Plan } from './pods.ts';
import { requestOf } from './simulation.ts';

/**
 * Invariants 1 to 3 of the design under whatever a network and an API server do. One seed again:
 * TUNELINE_SEED=123 npm test -- test/faults/job-runner
 */
const one = process.env['TUNELINE_SEED'];
const seeds = one ? [Number(one)] : Array.from({ length: Number(process.env['TUNELINE_SEEDS'] ?? 300) }, (_, i) => i);

let server: FakeApiServer;
beforeAll(async () => {
  server = await startFakeApiServer();
});
afterAll(() => server.close());

/** Hands seeds to a process, one after the other, until there are none; resolves with what went wrong. */
async function simulateInProcess(left: Iterator<number>): Promise<string[]> {
  const child = fork(fileURLToPath(new URL('simulate-seeds.ts', import.meta.url)), {
    // What a seed breaks it breaks again alone, then with its stack; thousands of expected errors need none.
    execArgv: ['--disable-warning=ExperimentalWarning', ...(one ? [] : ['--stack-trace-limit=0'])],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  const broken: string[] = [];
  const { promise, resolve } = Promise.withResolvers<string[]>();
  let seed: number | undefined;
  child.on('message', (found: readonly string[]) => {
    broken.push(...found.map((what) => `TUNELINE_SEED=${seed}: ${what}`));
    const next = left.next();
    seed = next.done ? undefined : next.value;
    if (seed === undefined) child.disconnect();
    else child.send(seed);
  });
  child.on('exit', (code) =>
    resolve(seed === undefined ? broken : [...broken, `TUNELINE_SEED=${seed}: its process ended with ${code}`]),
  );
  return promise;
}

test(
  `whatever the network does, no Job is doubled, lost or reported in two ways (${seeds.length} seeds)`,
  async () => {
    const left = seeds.values();
    const broken = await Promise.all(
      Array.from({ length: Math.min(seeds.length, availableParallelism()) }, () => simulateInProcess(left)),
    );
    expect(broken.flat()).toEqual([]);
  },
  // Each seed has its own limit.
  24 * 3600_000,
);

const makeRunner = () =>
  createKubernetesJobRunner({
    cluster: connectCluster(kubeConfigFor(server.url)),
    placement: { namespace: 'default', image: 'jobs', gpus: 0, env: {}, graceSeconds: 1, userId: 10_001 },
    log: () => undefined,
  });

/** A runner on a server without faults, and the one Job that it made. */
async function makeJob(plan: Plan) {
  server.reset(0);
  server.setPlan(plan);
  const runner = makeRunner();
  const request = requestOf(0, 0);
  await runner.create(request);
  await server.controller.settle();
  return { runner, name: request.name };
}

test('a Job takes four requests from its creation to its acknowledgement, and a fifth for its log', async () => {
  const { runner, name } = await makeJob(() => ({
    log: 'said\n',
    message: JSON.stringify({ ok: true, outputs: {}, figures: {} }),
  }));
  expect(await runner.read(name)).toMatchObject({ phase: 'finished', outcome: { kind: 'succeeded' } });
  expect(await runner.logTail(name, 200)).toBe('said\n');
  await runner.acknowledge(name);
  expect(server.decisions).toEqual([
    'post jobs: none',
    'get jobs: none',
    'list pods: none',
    'get pods: none',
    'patch jobs: none',
  ]);
});

test('however many Jobs a list shows, in parts, none of them is read once more', async () => {
  server.reset(0);
  const names = Array.from({ length: 300 }, (_, i) => `tl-${i}`);
  const ours = { [labels.managedBy]: managedBy };
  for (const name of names) {
    server.store.create('jobs', 'default', { metadata: { name, labels: ours } });
    // So many that their list takes longer than that of the Jobs.
    for (const number of [1, 2, 3])
      server.store.create('pods', 'default', {
        metadata: { name: `${name}-${number}`, labels: { ...ours, [jobNameLabel]: name } },
      });
  }
  const runner = makeRunner();
  const seen = new Set<string>();
  const stop = new AbortController();
  for await (const name of runner.watch(stop.signal)) {
    expect(await runner.read(name)).toMatchObject({ phase: 'queued' });
    seen.add(name);
    if (seen.size === names.length) stop.abort();
  }
  expect([...seen].sort()).toEqual(names.sort());
  expect(server.decisions.filter((what) => !what.startsWith('watch')).sort()).toEqual([
    'list jobs: none',
    'list pods: none',
    'list pods: none',
  ]);
});

test('the end of the log is kept, in whole lines', async () => {
  const { runner, name } = await makeJob(() => ({
    log: Array.from({ length: 5000 }, (_, i) => `line ${i + 1}\n`).join(''),
  }));
  const tail = await runner.logTail(name, 200);
  expect(tail.length).toBeLessThanOrEqual(200);
  expect(tail).toMatch(/^line \d+\n/);
  expect(tail.endsWith('line 5000\n')).toBe(true);
});

test('of a Job that an eviction moved, the log is the one of its last pod', async () => {
  const { runner, name } = await makeJob((_job, number) =>
    number < 4 ? { does: 'get evicted', log: `pod ${number}\n` } : { log: 'the last pod\n' },
  );
  expect(await runner.logTail(name, 200)).toBe('the last pod\n');
});

test('a log that the node refuses to give does not hold up the report', async () => {
  const { runner, name } = await makeJob(() => ({ does: 'wait', reason: 'ImagePullBackOff' }));
  expect(await runner.read(name)).toMatchObject({ phase: 'queued', wait: { for: 'image' } });
  expect(await runner.logTail(name, 200)).toBe('');
});

test('a log that is still empty is one', async () => {
  const { runner, name } = await makeJob(() => ({ log: '' }));
  expect(await runner.logTail(name, 200)).toBe('');
});

test.each([
  'unable to retrieve container logs for containerd://1',
  'failed to try resolving symlinks in path "/pods/0.log": no such file or directory',
])('%s, as a kubelet says it, is no log', async (log) => {
  const { runner, name } = await makeJob(() => ({ log }));
  expect(await runner.logTail(name, 200)).toBe('');
  const said = await makeJob(() => ({ log: `${log}\nsaid the program\n` }));
  expect(await said.runner.logTail(said.name, 200)).toContain('said the program');
});
