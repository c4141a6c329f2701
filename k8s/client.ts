import { isDeepStrictEqual } from 'node:util';
import {
  ApiException,
  ApisApi,
  AppsV1Api,
  AutoscalingV2Api,
  BatchV1Api,
  CoordinationV1Api,
  CoreV1Api,
  createConfiguration,
  CustomObjectsApi,
  DiscoveryV1Api,
  PolicyV1Api,
  ServerConfiguration,
  type KubeConfig,
} from '@kubernetes/client-node';
import { Agent, ProxyAgent, type Dispatcher } from 'undici';

export interface Cluster {
  /** Every client that authenticates with it shares its connections, watches included. */
  readonly kubeConfig: KubeConfig;
  readonly batch: BatchV1Api;
  readonly core: CoreV1Api;
  readonly custom: CustomObjectsApi;
  readonly coordination: CoordinationV1Api;
  readonly apps: AppsV1Api;
  readonly autoscaling: AutoscalingV2Api;
  readonly policy: PolicyV1Api;
  readonly discovery: DiscoveryV1Api;
  /** Lists the API groups that the cluster serves. */
  readonly apis: ApisApi;
}

/** A request without an answer is aborted after this time, because its connection may be half-open. */
const requestTimeoutMs = 30_000;
/** Factor for followed logs. A pod ends within its grace period, so ten minutes are enough for its last lines. */
const followedTimes = 20;

export function connectCluster(given: KubeConfig, timeoutMs = requestTimeoutMs): Cluster {
  const cluster = given.getCurrentCluster();
  if (!cluster) throw new Error('kubeconfig: no current cluster; choose one with `kubectl config use-context NAME`.');
  const kubeConfig = withOnePool(given);
  const configuration = createConfiguration({
    baseServer: new ServerConfiguration(cluster.server, {}),
    authMethods: { default: kubeConfig },
    promiseMiddleware: [within(timeoutMs)],
  });
  return {
    kubeConfig,
    batch: new BatchV1Api(configuration),
    core: new CoreV1Api(configuration),
    custom: new CustomObjectsApi(configuration),
    coordination: new CoordinationV1Api(configuration),
    apps: new AppsV1Api(configuration),
    autoscaling: new AutoscalingV2Api(configuration),
    policy: new PolicyV1Api(configuration),
    discovery: new DiscoveryV1Api(configuration),
    apis: new ApisApi(configuration),
  };
}

/**
 * HTTP/1.1, because a request that times out then closes its own connection. With HTTP/2, later requests would go over
 * the same connection, which may be half-open. More than 32 connections would only queue in the API server, whose
 * fairness gives one user a few dozen seats.
 */
const pool = { allowH2: false, connections: 32 };

type DispatcherSource = (...given: Parameters<KubeConfig['createDispatcherOptions']>) => Dispatcher;

/**
 * The client opens a connection for each request. This pool is replaced only when the kubeconfig's certificates change.
 */
function withOnePool(kubeConfig: KubeConfig): KubeConfig {
  let latest: { options: object; dispatcher: Dispatcher } | undefined;
  const createDispatcher: DispatcherSource = (cluster, agentOptions) => {
    const options = kubeConfig.createDispatcherOptions(cluster, agentOptions);
    if (!latest || !isDeepStrictEqual(options, latest.options)) latest = { options, dispatcher: make() };
    return latest.dispatcher;

    function make(): Dispatcher {
      // Only the client itself supports SOCKS proxies.
      if (options.type === 'socks')
        return (Reflect.get(kubeConfig, 'createDispatcher') as DispatcherSource).call(
          kubeConfig,
          cluster,
          agentOptions,
        );
      return options.type === 'proxy' ? new ProxyAgent({ ...options, ...pool }) : new Agent({ ...options, ...pool });
    }
  };
  // The client has no option for a dispatcher. It calls its own method, so the method is replaced.
  return Object.create(kubeConfig, { createDispatcher: { value: createDispatcher } }) as KubeConfig;
}

type Middleware = NonNullable<NonNullable<Parameters<typeof createConfiguration>[0]>['promiseMiddleware']>[number];

const within = (timeoutMs: number): Middleware => ({
  pre(request) {
    const isFollowed = new URL(request.getUrl()).searchParams.get('follow') === 'true';
    request.setSignal(AbortSignal.timeout(isFollowed ? timeoutMs * followedTimes : timeoutMs));
    return Promise.resolve(request);
  },
  post(response) {
    // An API server sends no content type for an empty log, and the client treats that as an error.
    response.headers['content-type'] ??= 'text/plain';
    return Promise.resolve(response);
  },
});

/** The HTTP status of the API server's refusal. Undefined if the server was not reached. */
export const statusOf = (error: unknown): number | undefined =>
  error instanceof ApiException ||
  (typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'number')
    ? (error as ApiException<unknown>).code
    : undefined;

/** Turns a 404 into undefined. Rethrows every other error. */
export const unlessMissing = (error: unknown): undefined => {
  if (statusOf(error) !== 404) throw error;
};
