import { ApiException, BatchV1Api, CoreV1Api, createConfiguration, ServerConfiguration, type KubeConfig } from '@kubernetes/client-node';

export interface Cluster {
  readonly kubeConfig: KubeConfig;
  readonly batch: BatchV1Api;
  readonly core: CoreV1Api;
}

/** A request that gets no answer for so long is given up; the connection may be half-open. */
const requestTimeoutMs = 30_000;

export function connectCluster(kubeConfig: KubeConfig, timeoutMs = requestTimeoutMs): Cluster {
  const cluster = kubeConfig.getCurrentCluster();
  if (!cluster) throw new Error('kubeconfig: no current cluster; choose one with `kubectl config use-context NAME`.');
  const configuration = createConfiguration({
    baseServer: new ServerConfiguration(cluster.server, {}),
    authMethods: { default: kubeConfig },
    promiseMiddleware: [withDeadline(timeoutMs)],
  });
  return { kubeConfig, batch: new BatchV1Api(configuration), core: new CoreV1Api(configuration) };
}

type Middleware = NonNullable<NonNullable<Parameters<typeof createConfiguration>[0]>['promiseMiddleware']>[number];

const withDeadline = (timeoutMs: number): Middleware => ({
  pre(request) {
    request.setSignal(AbortSignal.timeout(timeoutMs));
    return Promise.resolve(request);
  },
  post: (response) => Promise.resolve(response),
});

/** The HTTP status that the API server refused with; undefined where it was not reached. */
export const statusOf = (error: unknown): number | undefined =>
  error instanceof ApiException || (typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'number') ? (error as ApiException<unknown>).code : undefined;

/** Undefined in place of a 404. */
export const unlessMissing = (error: unknown): undefined => {
  if (statusOf(error) !== 404) throw error;
};
