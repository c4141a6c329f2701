import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { LifecycleSpecInput } from '../../domain/spec/lifecycle-spec.ts';
import { monitorSchema } from '../../domain/spec/monitor-spec.ts';
import type { Release } from '../../domain/endpoint/release.ts';
import type { EndpointStatus } from '../../domain/endpoint/roll-out.ts';
import type { Mlflow } from '../../mlflow/index.ts';
import { loadConfig, type Config } from '../../workers/config.ts';
import { endpointWorkflowId } from '../../workers/endpoint-queue.ts';
import type { endpoint } from '../../workflows/endpoint.ts';
import type { lifecycle } from '../../workflows/lifecycle.ts';
import { endpointStatusQuery } from '../../workflows/messages.ts';
import { connectMlflow, connectTemporal } from '../cli/connect.ts';
import { isNotFound } from '../cli/not-found.ts';
import type { Progress } from '../report/progress.ts';
import { followLifecycle, readSpecFile, startLifecycle, type LifecycleHandle } from '../cli/run-lifecycle.ts';
import { summarize, type Summary } from '../report/summary.ts';
import { CanaryLog } from './canary-log.ts';
import { readKinds, Traffic, writeRows } from './data.ts';
import { startLoad, type Load } from './load.ts';
import type { DemoSummary, SeenDrift } from './summary.ts';
import { describeWindow, windowsOf, type InputDrift, type SeenWindow } from './windows.ts';

/** What one engine on one core answers while the other core trains. */
const requestsPerSecond = 1.5;
/** The beginning of a line is as much as the demonstration needs. */
const answerTokens = 6;
/** How often a person wants to see something new. */
const lookEveryMs = 500;
/** What does not come by then does not come: a busy machine takes a few minutes. */
const longestWaitMs = 15 * 60_000;

interface Stage {
  readonly config: Config;
  readonly client: Client;
  readonly mlflow: Mlflow;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly spec: LifecycleSpecInput & Record<string, unknown>;
}

/** Drift, retraining, gate, canary and promotion on the stack that is up, under live requests all the while. */
export async function showDrift(specPath: string, progress: Progress, signal: AbortSignal): Promise<DemoSummary> {
  const config = loadConfig();
  const { repository, state } = config.folders;
  const { usual, other } = await readKinds(join(repository, 'examples', 'data'));
  const path = join(state, 'demo', 'descriptions.jsonl');
  await writeRows(path, usual.learnt);
  const written = (await readSpecFile(specPath)) as Stage['spec'];
  const stage: Stage = {
    config,
    client: await connectTemporal(config),
    mlflow: connectMlflow(config),
    progress,
    signal,
    spec: { ...written, data: { ...written.data, path } },
  };

  progress.line(
    `1 of 4: a model learns from ${usual.learnt.length} descriptions in English, in ${relative(process.cwd(), path)}`,
  );
  const first = await runLifecycle(
    stage,
    await startLifecycle(stage.client, { spec: stage.spec, requester: config.userName }, progress),
  );
  if (first.verdict !== 'promoted') return { ...first, ...noRequests, releases: [], canary: [] };

  const traffic = new Traffic({
    template: (await readFile(join(repository, stage.spec.prompt.path), 'utf8')).trimEnd(),
    usual,
  });
  progress.line(
    `2 of 4: clients ask for such descriptions, ${requestsPerSecond} requests a second from here to the end`,
  );
  const load = startLoad({
    url: config.endpointUrl,
    model: stage.spec.deploy.endpoint,
    prompts: traffic.next,
    perSecond: requestsPerSecond,
    maxTokens: answerTokens,
    signal,
  });
  const told = await underLoad(stage, load, async () => {
    await writeRows(path, [...usual.learnt, ...other.learnt]);
    traffic.drift(other);
    progress.line(
      `3 of 4: two of three requests are in German from now on; ${other.learnt.length} German descriptions with their right answers join the data`,
    );
  }).finally(() => load.stop());
  const counts = load.counts();
  const { drift, retrained, canary } = told;
  const releases = [first, retrained].flatMap(({ verdict, version, workflowId }) =>
    verdict === 'promoted' && version !== undefined ? [{ version, workflowId }] : [],
  );
  return { ...retrained, seconds: progress.seconds(), ...counts, drift, releases, canary };
}

const noRequests = { requests: 0, failedRequests: 0, failures: {}, answeredBy: {} };

/** From the first window to the first of the new release. */
async function underLoad(stage: Stage, load: Load, letDrift: () => Promise<void>) {
  const { progress, client, spec } = stage;
  const rule = inputDriftOf(spec);
  const champion = await served(stage);
  const windows = windowsOfRelease(stage, champion, rule);
  const before = await windows.next();
  await letDrift();
  const handle = client.workflow.getHandle<typeof lifecycle>(`retrain-${spec.deploy.endpoint}`);
  const breached = await windows.until(({ breached: over }) => over);
  const because = await awaited(stage, 'the retraining', () => becauseOf(handle));
  progress.line(`breached: ${because}`);
  progress.line(`4 of 4: the monitor has started ${handle.workflowId} by itself; so far ${describeLoad(load)}`);
  const drift: SeenDrift = { rule, because, before, breached };
  const canary = new CanaryLog();
  const retrained = await whileLooking(
    stage,
    () => runLifecycle(stage, handle),
    async () => {
      for (const line of canary.see(await statusOf(stage))) progress.line(line);
    },
  );
  if (retrained.verdict !== 'promoted') return { drift, retrained, canary: canary.steps };
  progress.line(`version ${retrained.version} has all requests; so far ${describeLoad(load)}`);
  const after = await windowsOfRelease(stage, await served(stage), rule).next();
  return { drift: { ...drift, after }, retrained, canary: canary.steps };
}

async function runLifecycle({ config, mlflow, progress, spec }: Stage, handle: LifecycleHandle): Promise<Summary> {
  const ending = await followLifecycle(handle, mlflow, progress);
  return summarize({ ending, workflowId: handle.workflowId, spec, seconds: progress.seconds(), config, mlflow });
}

/** Shows each window once, as it comes. */
function windowsOfRelease(stage: Stage, release: Release, rule: InputDrift) {
  let shown = 0;
  const next = (): Promise<SeenWindow> =>
    awaited(stage, 'a window of live traffic', async () => {
      const window = (await windowsOf(stage.mlflow, release))[shown];
      if (!window) return undefined;
      shown += 1;
      stage.progress.line(describeWindow(window, rule));
      return window;
    });
  return {
    next,
    async until(wanted: (window: SeenWindow) => boolean): Promise<SeenWindow> {
      for (;;) {
        const window = await next();
        if (wanted(window)) return window;
      }
    },
  };
}

/** Why the monitor asked for it; undefined while it has not. */
async function becauseOf(handle: LifecycleHandle): Promise<string | undefined> {
  try {
    const description = await handle.describe();
    return (await description.staticDetails()) ?? 'the monitor asked for it';
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

const statusOf = ({ client, spec }: Stage): Promise<EndpointStatus> =>
  client.workflow.getHandle<typeof endpoint>(endpointWorkflowId(spec.deploy.endpoint)).query(endpointStatusQuery);

const served = (stage: Stage): Promise<Release> =>
  awaited(stage, 'a release', async () => (await statusOf(stage)).servingState.champion);

async function awaited<T>({ signal }: Stage, what: string, look: () => Promise<T | undefined>): Promise<T> {
  const giveUpAtMs = performance.now() + longestWaitMs;
  while (performance.now() < giveUpAtMs) {
    signal.throwIfAborted();
    const found = await look();
    if (found !== undefined) return found;
    await delay(lookEveryMs, undefined, { signal });
  }
  throw new Error(`${what} did not come within ${longestWaitMs / 60_000} minutes`);
}

async function whileLooking<T>({ signal }: Stage, work: () => Promise<T>, look: () => Promise<void>): Promise<T> {
  const over = new AbortController();
  const until = AbortSignal.any([signal, over.signal]);
  const looking = (async () => {
    while (!until.aborted) {
      // What can't be asked now can be a moment later.
      await look().catch(() => undefined);
      await delay(lookEveryMs, undefined, { signal: until }).catch(() => undefined);
    }
  })();
  try {
    return await work();
  } finally {
    over.abort();
    await looking;
  }
}

function inputDriftOf({ monitor }: Stage['spec']): InputDrift {
  const rule = monitorSchema.parse(monitor).rules.find((one) => one.rule === 'inputDrift');
  if (!rule) throw new Error('the spec of the demonstration has no rule inputDrift');
  return rule;
}

const describeLoad = (load: Load): string => {
  const { requests, failedRequests } = load.counts();
  return `${requests} requests, ${failedRequests} failed`;
};
