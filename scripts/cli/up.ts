import { setMaxListeners } from 'node:events';
import { join, relative } from 'node:path';
import { temporalLinks } from '../../workers/temporal.ts';
import { SetupError } from '../../local/setup-error.ts';
import { localWebhooks, makeEncryptionKey } from '../../local/mlflow-webhooks.ts';
import { Stack } from '../../local/stack.ts';
import { createToolchain } from '../../local/toolchain.ts';
import { ensureOwnToken } from '../../workers/console/access.ts';
import { loadConfig, taskQueue, type Config } from '../../workers/config.ts';
import { placementOf } from '../../workers/kubernetes.ts';
import { ensureSecret, readSecret } from '../../workers/secrets.ts';
import { connectMlflow, connectTemporal } from './connect.ts';
import { ensureCluster } from './doctor.ts';
import { Progress } from '../report/progress.ts';
import { followLifecycle, readSpecFile, startLifecycle } from './run-lifecycle.ts';
import { exitCodeOf, showSummary, summarize, type Summary } from '../report/summary.ts';
import { exitCodes } from './user-error.ts';

type EventSettings = NonNullable<Config['events']>;

export interface UpOptions {
  readonly run?: string;
  readonly exit?: boolean;
  readonly json?: boolean;
}

/** Sets everything up, runs a lifecycle if asked, and serves until it is told to stop. Returns the exit code. */
export async function up(options: UpOptions): Promise<number> {
  const progress = new Progress();
  const spec = options.run === undefined ? undefined : { path: options.run, content: await readSpecFile(options.run) };
  const placement = placementOf(loadConfig());
  if (loadConfig().workerDeployment !== undefined)
    throw new SetupError(
      'TUNELINE_WORKER_DEPLOYMENT: "up" runs one build of the worker, and what is pinned to an earlier one would wait for ever; unset it.\nhint: docs/upgrades.md says where builds live side by side.',
    );
  for (const { what, detail } of placement ? await ensureCluster(placement) : []) progress.line(`${what}: ${detail}`);
  const work = async (signal: AbortSignal): Promise<number> =>
    spec ? exitCodeOf(await runOne(spec.content, options, progress, signal)) : 0;
  return withStack({ progress, serves: spec === undefined || !options.exit, work });
}

export interface StackWork {
  readonly progress: Progress;
  /** Whether it serves on after the work, until it is told to stop. */
  readonly serves: boolean;
  /** Begins once everything is up. Resolves with the exit code. */
  readonly work: (signal: AbortSignal) => Promise<number>;
}

/** Starts everything, has the work done, and ends everything, also where it is told to stop meanwhile. Returns the exit code. */
export async function withStack({ progress, serves, work }: StackWork): Promise<number> {
  const stop = new AbortController();
  setMaxListeners(0, stop.signal);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort());

  const stack = createStack(progress);
  await stack.prepare();
  try {
    const working = (async () => {
      await start(stack, progress, stop.signal);
      return work(stop.signal);
    })();
    const code = await Promise.race([working, aborted(stop.signal)]);
    if (code === undefined || stop.signal.aborted) return exitCodes.broken;
    if (serves) {
      progress.line('serving; Ctrl-C stops everything');
      await aborted(stop.signal);
    }
    return code;
  } finally {
    progress.line('stopping');
    await stack.stop();
  }
}

function createStack(progress: Progress): Stack {
  const { folders, serviceEnvironment, host } = loadConfig();
  return new Stack({
    ...folders,
    ...(host ? { host } : {}),
    env: serviceEnvironment,
    report: (message) => progress.line(message),
  });
}

/** What is needed first starts first: MLflow takes longest to start, the Jobs' environment longest to install. */
async function start(stack: Stack, progress: Progress, signal: AbortSignal): Promise<void> {
  const { consoleUrl, events, folders, serviceEnvironment, temporal, tokensPath, mlflow, userName } = loadConfig();
  const toolchain = createToolchain({
    ...folders,
    env: serviceEnvironment,
    report: (message) => progress.line(message),
  });
  const started = (what: string) => progress.line(`${what} is up`);
  await toolchain.installServices();
  signal.throwIfAborted();
  const forWebhooks = events && mlflow.embedded ? await prepareEvents(events, folders.state) : {};
  const services = Promise.all([
    temporal.embedded ? stack.startTemporal().then(() => started('Temporal')) : undefined,
    mlflow.embedded ? stack.startMlflow(forWebhooks).then(() => started('MLflow')) : undefined,
  ]);
  // Both are waited for below; without this a failure of one while the other is waited for would end the process.
  services.catch(() => undefined);
  await toolchain.installJobs();
  signal.throwIfAborted();
  await toolchain.importBaseModel();
  await services;
  signal.throwIfAborted();
  await Promise.all([stack.startEndpoint(), stack.startConsole(), stack.startWorker()]);
  started('the worker');
  if (events && mlflow.embedded) await tellOfEvents(events, progress);
  const token = await ensureOwnToken(tokensPath, join(folders.state, 'console-token'), userName);
  progress.line(`the review console is at ${consoleUrl}; sign in with the token in ${relative(process.cwd(), token)}`);
  if (temporal.uiUrl !== undefined)
    progress.line(`by hand: ${temporalLinks(temporal.uiUrl, temporal.namespace).start('lifecycle', taskQueue)}`);
}

/** What this machine's own senders sign with, and what its MLflow needs to send to loopback. */
async function prepareEvents({ secrets }: EventSettings, state: string): Promise<Readonly<Record<string, string>>> {
  for (const reference of Object.values(secrets)) await ensureSecret(reference);
  const key = {
    variable: 'MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY',
    value: undefined,
    path: join(state, 'mlflow-webhook-key'),
    named: false,
  };
  return localWebhooks(await ensureSecret(key, makeEncryptionKey()));
}

async function tellOfEvents({ url, secrets }: EventSettings, progress: Progress): Promise<void> {
  await connectMlflow(loadConfig()).webhooks.ensure({
    url: `${url}/events/mlflow`,
    secret: (await readSecret(secrets.mlflow)) ?? '',
  });
  progress.line(`the console takes events at ${url}, and MLflow tells it of aliases`);
}

async function runOne(
  spec: Record<string, unknown>,
  { json }: UpOptions,
  progress: Progress,
  signal: AbortSignal,
): Promise<Summary> {
  const config = loadConfig();
  const client = await connectTemporal(config);
  signal.throwIfAborted();
  const handle = await startLifecycle(client, { spec, requester: config.userName }, progress);
  const mlflow = connectMlflow(config);
  const ending = await followLifecycle(handle, mlflow, progress);
  const summary = await summarize({
    ending,
    workflowId: handle.workflowId,
    spec,
    seconds: progress.seconds(),
    config,
    mlflow,
  });
  process.stdout.write(json ? `${JSON.stringify(summary)}\n` : showSummary(summary));
  await client.connection.close();
  return summary;
}

const aborted = (signal: AbortSignal): Promise<undefined> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
