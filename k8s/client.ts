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
  /** Whatever authenticates by it, a watch too, shares the connections. */
  readonly kubeConfig: KubeConfig;
  readonly batch: BatchV1Api;
  readonly core: CoreV1Api;
  readonly custom: CustomObjectsApi;
  readonly coordination: CoordinationV1Api;
  readonly apps: AppsV1Api;
  readonly autoscaling: AutoscalingV2Api;
  readonly policy: PolicyV1Api;
  readonly discovery: DiscoveryV1Api;
  /** Which groups the cluster serves. */
  readonly apis: ApisApi;
}

/** A request that gets no answer for so long is given up; the connection may be half-open. */
const requestTimeoutMs = 30_000;
/** The last words of a pod are over when its grace is: ten minutes of them are enough. */
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
 * HTTP/1.1, for there a request that timed out takes its connection with it: over one of HTTP/2, all that
 * follow would go over what may be half-open. More connections would only queue in the API server, whose
 * fairness gives one user a few dozen seats.
 */
const pool = { allowH2: false, connections: 32 };

type DispatcherSource = (...given: Parameters<KubeConfig['createDispatcherOptions']>) => Dispatcher;

/** The client connects anew for each request; this one only when the kubeconfig's certificates have changed. */
function withOnePool(kubeConfig: KubeConfig): KubeConfig {
  let latest: { options: object; dispatcher: Dispatcher } | undefined;
  const createDispatcher: DispatcherSource = (cluster, agentOptions) => {
    const options = kubeConfig.createDispatcherOptions(cluster, agentOptions);
    if (!latest || !isDeepStrictEqual(options, latest.options)) latest = { options, dispatcher: make() };
    return latest.dispatcher;

    function make(): Dispatcher {
      // Only the client itself can speak to a SOCKS proxy.
      if (options.type === 'socks')
        return (Reflect.get(kubeConfig, 'createDispatcher') as DispatcherSource).call(
          kubeConfig,
          cluster,
          agentOptions,
        );
      return options.type === 'proxy' ? new ProxyAgent({ ...options, ...pool }) : new Agent({ ...options, ...pool });
    }
  };
  // The client offers no option for it; it asks its own method.
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
    // An API server names no type for a log that is empty, and the client takes that for an error.
    response.headers['content-type'] ??= 'text/plain';
    return Promise.resolve(response);
  },
});

/** The HTTP status that the API server refused with; undefined where it was not reached. */
export const statusOf = (error: unknown): number | undefined =>
  error instanceof ApiException ||
  (typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'number')
    ? (error as ApiException<unknown>).code
    : undefined;

/** Undefined in place of a 404. */
export const unlessMissing = (error: unknown): undefined => {
  if (statusOf(error) !== 404) throw error;
};
