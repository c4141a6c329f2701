import { readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import type { NativeConnectionOptions } from '@temporalio/worker';
import { releaseProxyVariable } from '../domain/endpoint/release-proxy-settings.ts';
import { stackAddresses, type StackAddresses } from '../local/stack-state.ts';
import type { SecretReference } from './secrets.ts';

/**
 * The settings. Only this module reads the environment. A service that the team names there replaces the embedded one.
 */
export interface Config {
  readonly folders: Folders;
  readonly temporal: {
    readonly connection: NativeConnectionOptions;
    readonly namespace: string;
    readonly embedded: boolean;
    /** The address of Temporal's UI, for links. A team's own Temporal has none unless the team sets it. */
    readonly uiUrl?: string;
  };
  readonly mlflow: { readonly trackingUri: string; readonly authorization?: string; readonly embedded: boolean };
  readonly endpointUrl: string;
  /** The address on which the review console listens. */
  readonly consoleUrl: string;
  /** The file of hashed tokens for the console. */
  readonly tokensPath: string;
  /** The file of hashed API keys for the endpoint. */
  readonly apiKeysPath: string;
  /** `ReleaseProxySettings` as JSON. Set only in the pod of a release. */
  readonly releaseProxy: string | undefined;
  /** Undefined without a rules file: then nothing listens for events. */
  readonly events:
    | {
        readonly rulesPath: string;
        readonly url: string;
        readonly secrets: Readonly<Record<'mlflow' | 'signed', SecretReference>>;
      }
    | undefined;
  readonly runner: string;
  /** Raw values from the environment. `workers/kubernetes.ts` checks them on use. */
  readonly kubernetes: KubernetesSettings;
  /** How Kubernetes serves releases. `workers/kubernetes-releases.ts` checks the values. */
  readonly serving: EngineSettings;
  /** The address of this machine at which Jobs on a cluster reach the embedded MLflow, which listens only there. */
  readonly host: string | undefined;
  /** The port on which the worker reports its health. Undefined: it does not. */
  readonly healthPort: number | undefined;
  /** The port on which the worker or the console, each in its own pod, answers Prometheus. Undefined: none. */
  readonly metricsPort: number | undefined;
  /** The target of traces. Undefined: none. OpenTelemetry's SDK reads all other standard `OTEL_*` variables itself. */
  readonly tracing: TracingSettings | undefined;
  /** The Worker Deployment of this worker's build, to which executions are pinned. Undefined: unversioned. */
  readonly workerDeployment: string | undefined;
  /** The webhook that announces reviews. Secret. */
  readonly reviewWebhook: string | undefined;
  /** The variables that a Job's process inherits. It gets no others. */
  readonly jobEnvironment: Readonly<Record<string, string>>;
  /** The variables that the embedded services inherit: all except npm's own, which describe another package. */
  readonly serviceEnvironment: Readonly<Record<string, string>>;
  readonly userName: string;
}

export interface Folders {
  readonly repository: string;
  /** The folder of everything that Tuneline creates: tools, models, caches and state. */
  readonly home: string;
  /** The folder of what a stack leaves behind: databases, artifacts, Jobs, logs. */
  readonly state: string;
}

export type KubernetesSettings = Readonly<
  Record<
    | 'namespace'
    | 'image'
    | 'claim'
    | 'gpus'
    | 'gpuProduct'
    | 'memory'
    | 'queue'
    | 'priorityClass'
    | 'secret'
    | 'mlflowUri',
    string | undefined
  >
>;

export type EngineSettings = Readonly<
  Record<
    | 'engineImage'
    | 'releaseProxyImage'
    | 'command'
    | 'gpus'
    | 'gpuProduct'
    | 'cpu'
    | 'memory'
    | 'replicas'
    | 'load'
    | 'gateway'
    | 'gatewayUrl'
    | 'servedBy',
    string | undefined
  >
>;

export interface TracingSettings {
  readonly url: string;
  /** Raw value from the environment. `workers/tracing/open.ts` checks it. */
  readonly protocol: string | undefined;
}

export const taskQueue = 'tuneline';

const repository = resolve(fileURLToPath(new URL('..', import.meta.url)));

/**
 * Names of the variables that a Job may see: paths of programs and temporary files, GPUs, model hub, proxies, and the
 * keys of MLflow, W&B and the judge.
 */
const inherited =
  /^(PATH|HOME|USER|LANG|LC_.*|TMPDIR|CUDA_.*|NVIDIA_.*|HF_.*|OMP_NUM_THREADS|.*_PROXY|.*_proxy|SSL_CERT_.*|REQUESTS_CA_BUNDLE|MLFLOW_TRACKING_.*|WANDB_(API_KEY|BASE_URL|ENTITY|MODE)|TUNELINE_JUDGE_(API_KEY|ADDRESS))$/;

/**
 * Reads the environment and the running stack's addresses anew at each call. An empty variable counts as unset, because
 * pipelines leave unset variables empty.
 */
export function loadConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const home = resolve(env['TUNELINE_HOME'] || join(repository, '.tuneline'));
  const state = resolve(env['TUNELINE_STATE'] || join(home, 'state'));
  const addresses = stackAddresses(state);
  return {
    folders: { repository, home, state },
    temporal: temporalOf(env, addresses),
    mlflow: mlflowOf(env, addresses),
    endpointUrl: env['TUNELINE_ENDPOINT_URL'] || addresses.endpoint,
    consoleUrl: env['TUNELINE_CONSOLE_URL'] || addresses.console,
    apiKeysPath: resolve(env['TUNELINE_API_KEYS'] || join(state, 'api-keys.json')),
    tokensPath: resolve(env['TUNELINE_TOKENS'] || join(state, 'tokens.json')),
    releaseProxy: env[releaseProxyVariable] || undefined,
    events: eventsOf(env, addresses, state),
    runner: env['TUNELINE_RUNNER'] || 'local',
    kubernetes: {
      namespace: env['TUNELINE_NAMESPACE'],
      image: env['TUNELINE_JOB_IMAGE'],
      claim: env['TUNELINE_STORAGE_CLAIM'],
      gpus: env['TUNELINE_JOB_GPUS'],
      gpuProduct: env['TUNELINE_JOB_GPU_PRODUCT'],
      memory: env['TUNELINE_JOB_MEMORY'],
      queue: env['TUNELINE_JOB_QUEUE'],
      priorityClass: env['TUNELINE_JOB_PRIORITY_CLASS'],
      secret: env['TUNELINE_JOB_SECRET'],
      mlflowUri: env['TUNELINE_JOB_MLFLOW_URI'],
    },
    serving: {
      engineImage: env['TUNELINE_ENGINE_IMAGE'] || undefined,
      releaseProxyImage: env['TUNELINE_RELEASE_PROXY_IMAGE'],
      command: env['TUNELINE_ENGINE_COMMAND'],
      gpus: env['TUNELINE_ENGINE_GPUS'],
      gpuProduct: env['TUNELINE_ENGINE_GPU_PRODUCT'],
      cpu: env['TUNELINE_ENGINE_CPU'],
      memory: env['TUNELINE_ENGINE_MEMORY'],
      replicas: env['TUNELINE_ENGINE_REPLICAS'],
      load: env['TUNELINE_ENGINE_LOAD'],
      gateway: env['TUNELINE_GATEWAY'],
      gatewayUrl: env['TUNELINE_GATEWAY_URL'],
      servedBy: env['TUNELINE_SERVING'] || undefined,
    },
    host: env['TUNELINE_HOST'],
    healthPort: env['TUNELINE_HEALTH_PORT'] ? Number(env['TUNELINE_HEALTH_PORT']) : undefined,
    metricsPort: env['TUNELINE_METRICS_PORT'] ? Number(env['TUNELINE_METRICS_PORT']) : undefined,
    tracing: tracingOf(env),
    workerDeployment: env['TUNELINE_WORKER_DEPLOYMENT'] || undefined,
    reviewWebhook: env['TUNELINE_REVIEW_WEBHOOK'] || undefined,
    jobEnvironment: pick(env, (name) => inherited.test(name)),
    serviceEnvironment: pick(env, (name) => !name.startsWith('npm_')),
    userName: env['USER'] || env['LOGNAME'] || basename(env['HOME'] ?? '') || 'unknown',
  };
}

/** Applies `--kubernetes` to this process and to all processes that it starts. */
export function chooseKubernetes(): void {
  process.env['TUNELINE_RUNNER'] = 'kubernetes';
}

/** Gives this process its own stack, separate from one that may run in the default state folder. */
export function chooseState(folder: string): void {
  process.env['TUNELINE_STATE'] = folder;
}

const pick = (env: NodeJS.ProcessEnv, wanted: (name: string) => boolean): Record<string, string> =>
  Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value !== undefined && wanted(name) ? [[name, value]] : [])),
  );

function eventsOf(env: NodeJS.ProcessEnv, addresses: StackAddresses, state: string): Config['events'] {
  const rules = env['TUNELINE_EVENT_RULES'];
  const secretOf = (variable: string, file: string): SecretReference => {
    const named = env[`${variable}_FILE`];
    return {
      variable,
      value: env[variable] || undefined,
      path: named ? resolve(named) : join(state, file),
      named: Boolean(named),
    };
  };
  if (!rules) return undefined;
  const secrets = {
    mlflow: secretOf('TUNELINE_MLFLOW_WEBHOOK_SECRET', 'mlflow-webhook-secret'),
    signed: secretOf('TUNELINE_EVENT_SECRET', 'event-secret'),
  };
  return { rulesPath: resolve(rules), url: env['TUNELINE_EVENTS_URL'] || addresses.events, secrets };
}

function tracingOf(env: NodeJS.ProcessEnv): TracingSettings | undefined {
  const isOff = env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true' || env['OTEL_TRACES_EXPORTER'] === 'none';
  const shared = env['OTEL_EXPORTER_OTLP_ENDPOINT'];
  const url = env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] || (shared && `${shared.replace(/\/$/, '')}/v1/traces`);
  if (isOff || !url) return undefined;
  return {
    url,
    protocol: env['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'] || env['OTEL_EXPORTER_OTLP_PROTOCOL'] || undefined,
  };
}

function temporalOf(env: NodeJS.ProcessEnv, addresses: StackAddresses): Config['temporal'] {
  const own = ['TEMPORAL_PROFILE', 'TEMPORAL_ADDRESS', 'TEMPORAL_CONFIG_FILE'].some((name) => env[name]);
  const uiUrl = env['TUNELINE_TEMPORAL_UI'] || (own ? undefined : addresses.temporalUi);
  const ui = uiUrl ? { uiUrl } : {};
  if (!own) return { connection: { address: addresses.temporal }, namespace: 'default', embedded: true, ...ui };
  const { connectionOptions, namespace } = loadClientConnectConfig({
    overrideEnvVars: pick(env, (name) => name.startsWith('TEMPORAL_') && env[name] !== ''),
  });
  return { connection: connectionOptions, namespace: namespace ?? 'default', embedded: false, ...ui };
}

function mlflowOf(env: NodeJS.ProcessEnv, addresses: StackAddresses): Config['mlflow'] {
  const trackingUri = env['MLFLOW_TRACKING_URI'];
  if (!trackingUri) return { trackingUri: addresses.mlflow, embedded: true };
  const token = env['MLFLOW_TRACKING_TOKEN'];
  const password = env['MLFLOW_TRACKING_PASSWORD'];
  const basic = Buffer.from(`${env['MLFLOW_TRACKING_USERNAME'] ?? ''}:${password ?? ''}`).toString('base64');
  const basicAuthorization = password ? `Basic ${basic}` : undefined;
  const authorization = token ? `Bearer ${token}` : basicAuthorization;
  return { trackingUri, embedded: false, authorization };
}

export const readPackageVersion = (): string =>
  (JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as { version: string }).version;
