import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { digestOf } from '../../domain/digest.ts';
import type { JobRequest } from '../../domain/job/job.ts';
import { connectCluster } from '../../k8s/client.ts';
import { loadKubeConfig } from '../../k8s/kube-config.ts';
import { Stack, workerMemory } from '../../local/stack.ts';
import { createToolchain } from '../../local/toolchain.ts';
import { startCluster } from '../../test/cluster/support/cluster.ts';
import { loadConfig } from '../../workers/config.ts';
import type { heldJob } from './held-job.ts';
import { inParallel } from './in-parallel.ts';
import { JobObserver } from './job-observer.ts';
import {
  benchTaskQueue,
  heldActivityId,
  type JobWorkerOrder,
  type JobWorkerSettings,
  type JobWorkerWord,
} from './job-worker-messages.ts';

/**
 * What Jobs on Kubernetes cost the worker: N of them in flight at once on simulated nodes, each with an activity that
 * waits in Temporal's development server, then ended one after the other.
 * Run: npm run bench:jobs -- --jobs 1000 --json
 */
const { values } = parseArgs({
  options: {
    jobs: { type: 'string', default: '100' },
    // At 20 a second two cores are full in a slow hour, and the queue of the control plane is measured.
    'ends-per-second': { type: 'string', default: '10' },
    json: { type: 'boolean', default: false },
    log: { type: 'boolean', default: false },
  },
});
const jobs = Number(values.jobs);
const endsPerSecond = Number(values['ends-per-second']);
const podsPerNode = 110;

const { folders, serviceEnvironment } = loadConfig();
const state = await mkdtemp(join(tmpdir(), 'tuneline-bench-'));
const report = (message: string) => process.stderr.write(`${message}\n`);
await createToolchain({ ...folders, env: serviceEnvironment, report }).installServices();

const stack = new Stack({ ...folders, state, env: serviceEnvironment, report });
const cluster = await startCluster({ report, gpuNodes: Math.ceil(jobs / podsPerNode) + 1, gpusPerNode: 0 });
const mlflow = await startMlflowSink();
try {
  await stack.prepare();
  await stack.startTemporal();
  const figures = await measure();
  process.stdout.write(
    values.json
      ? `${JSON.stringify(figures)}\n`
      : Object.entries(figures)
          .map(([name, value]) => `${name.padEnd(16)}${value}\n`)
          .join(''),
  );
} finally {
  await stack.stop();
  await cluster.stop();
  mlflow.close();
  await rm(state, { recursive: true });
}

async function measure() {
  const kubeConfig = loadKubeConfig(cluster.kubeconfigPath);
  if (!kubeConfig) throw new Error('the kubeconfig names no cluster');
  const connection = connectCluster(kubeConfig);
  const asked: object = { metadata: { generateName: 'bench-' } };
  const namespace = (await connection.core.createNamespace({ body: asked })).metadata?.name ?? '';
  const observer = new JobObserver(connection, namespace);
  const temporalAddress = stack.addresses.temporal;
  const client = new Client({ connection: await Connection.connect({ address: temporalAddress }) });
  const bundlePath = join(state, 'held-job.js');
  const { code } = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('held-job.ts', import.meta.url)),
    logger: new DefaultLogger('ERROR'),
  });
  await writeFile(bundlePath, code);
  const worker = startWorker({
    kubeconfigPath: cluster.kubeconfigPath,
    namespace,
    temporalAddress,
    bundlePath,
    mlflowUri: `http://127.0.0.1:${(mlflow.address() as AddressInfo).port}`,
  });
  try {
    await worker.count('ready', 1);
    const requests = await startWaiting(client);
    await worker.count('held', jobs);
    report(`${jobs} activities wait`);
    worker.order({ do: 'create', requests });
    const { seconds } = await worker.word('created');
    report(`${jobs} Jobs made in ${seconds.toFixed(1)} s`);
    await observer.until(() => observer.running === jobs);
    report('their pods run');
    await endOneByOne(observer, requests);
    await worker.count('completed', jobs);
    await inParallel(requests, ({ owner }) => client.workflow.getHandle<typeof heldJob>(owner.workflowId).result());
    report('their workflows know');
    worker.order({ do: 'stop' });
    const { requests: requestCount, peakRssMiB } = await worker.word('stopped');
    const latencies = worker.all('completed').map(({ job, atMs }) => atMs - (observer.endedAtMs.get(job) ?? NaN));
    latencies.sort((a, b) => a - b);
    return {
      jobs,
      p50Ms: round(latencies[Math.ceil(jobs * 0.5) - 1] ?? NaN),
      p99Ms: round(latencies[Math.ceil(jobs * 0.99) - 1] ?? NaN),
      requestsPerJob: round(requestCount / jobs, 100),
      workerRssMiB: Math.round(peakRssMiB),
      jobsPerSecond: round(jobs / seconds),
      duplicates: duplicatesAmong(
        requests,
        worker.all('completed').map(({ job }) => job),
        observer,
      ),
      orphans: await observer.orphans(),
    };
  } finally {
    await worker.stop();
    await observer.stop();
    await client.connection.close();
    await connection.core.deleteNamespace({ name: namespace });
  }
}

/** One workflow for each Job, whose activity waits for it. */
async function startWaiting(client: Client): Promise<JobRequest[]> {
  const requests: JobRequest[] = [];
  await inParallel(Array.from({ length: jobs }).keys(), async (index) => {
    const workflowId = `bench-${index}`;
    const { firstExecutionRunId } = await client.workflow.start<typeof heldJob>('heldJob', {
      taskQueue: benchTaskQueue,
      workflowId,
    });
    const spec = { stage: 'explore', index };
    requests.push({
      ...{ name: `tl-${workflowId}-explore-1`, spec, specDigest: digestOf(spec), maximumSeconds: 3600 },
      owner: { workflowId, runId: firstExecutionRunId, activityId: heldActivityId },
      ...(values.log ? { runId: `run-${index}` } : {}),
    });
  });
  return requests;
}

async function endOneByOne(observer: JobObserver, requests: readonly JobRequest[]): Promise<void> {
  const startedAt = performance.now();
  const ended: Promise<void>[] = [];
  for (const [index, { name }] of requests.entries()) {
    await delay(Math.max(0, startedAt + (index / endsPerSecond) * 1000 - performance.now()));
    ended.push(observer.endPodOf(name));
  }
  await Promise.all(ended);
}

function duplicatesAmong(requests: readonly JobRequest[], completed: readonly string[], observer: JobObserver): number {
  const reports = new Map<string, number>();
  for (const job of completed) reports.set(job, (reports.get(job) ?? 0) + 1);
  return requests.filter(({ name }) => (reports.get(name) ?? 0) > 1 || observer.podsOf(name) > 1).length;
}

/** The worker under test, and what it has said so far. */
function startWorker(settings: JobWorkerSettings) {
  const child: ChildProcess = fork(
    fileURLToPath(new URL('job-worker.ts', import.meta.url)),
    [JSON.stringify(settings)],
    {
      stdio: ['ignore', 2, 2, 'ipc'],
      execArgv: ['--disable-warning=ExperimentalWarning', ...workerMemory.flags],
      env: { ...serviceEnvironment, ...workerMemory.env },
    },
  );
  const words: JobWorkerWord[] = [];
  const counts = new Map<string, number>();
  const waiting = new Set<() => void>();
  child.on('message', (word: JobWorkerWord) => {
    words.push(word);
    counts.set(word.what, (counts.get(word.what) ?? 0) + 1);
    for (const look of waiting) look();
  });
  const exited = once(child, 'exit');
  const count = async (what: JobWorkerWord['what'], wanted: number): Promise<void> => {
    const { promise: reached, resolve } = Promise.withResolvers<undefined>();
    const look = () => ((counts.get(what) ?? 0) >= wanted ? resolve(undefined) : undefined);
    waiting.add(look);
    look();
    await Promise.race([reached, exited.then(() => Promise.reject(new Error('the worker under test ended')))]);
    waiting.delete(look);
  };
  const all = <What extends JobWorkerWord['what']>(what: What) =>
    words.filter((word): word is Extract<JobWorkerWord, { what: What }> => word.what === what);
  const order = (given: JobWorkerOrder) => void child.send(given);
  return {
    count,
    all,
    order,
    async word<What extends JobWorkerWord['what']>(what: What) {
      await count(what, 1);
      const [word] = all(what);
      if (!word) throw new Error(`the worker never said "${what}"`);
      return word;
    },
    async stop(): Promise<void> {
      if (child.connected) order({ do: 'stop' });
      await exited;
    },
  };
}

/** Takes what MLflow would keep of a Job, and keeps nothing. */
async function startMlflowSink(): Promise<Server> {
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () =>
      response
        .setHeader('content-type', 'application/json')
        .end(JSON.stringify({ run: { info: { run_id: 'any', artifact_uri: 'mlflow-artifacts:/any' }, data: {} } })),
    );
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return server;
}

function round(x: number, parts = 10): number {
  return Math.round(x * parts) / parts;
}
