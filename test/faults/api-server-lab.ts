import { afterAll, beforeAll, beforeEach } from '@jest/globals';
import {
  ApiException,
  BatchV1Api,
  CoreV1Api,
  PatchStrategy,
  setHeaderOptions,
  Watch,
  type V1DeleteOptions,
  type V1Job,
} from '@kubernetes/client-node';
import { kubeConfigFor, startFakeApiServer, type FakeApiServer } from './api-server.ts';

export const namespace = 'training';
/** The client's models are classes that it takes as plain literals. */
const model = <T>(literal: object) => literal as T;
export const jobOf = (name: string, spec: object = {}) =>
  model<V1Job>({
    metadata: { name, labels: { team: 'a' } },
    spec: {
      template: {
        metadata: { labels: { stage: 'train' } },
        spec: { restartPolicy: 'Never', containers: [{ name: 'job', image: 'image' }] },
      },
      ...spec,
    },
  });
/** The code and reason of the Status that the server answered with, or the error itself. */
export async function refusal(call: Promise<unknown>): Promise<{ code: number; reason: string }> {
  const error = await call.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  if (!(error instanceof ApiException)) throw error instanceof Error ? error : new Error('it was accepted');
  const { reason } = (typeof error.body === 'string' ? JSON.parse(error.body) : error.body) as { reason: string };
  return { code: error.code, reason };
}

interface Seen {
  readonly type: string;
  readonly object: { code?: number; metadata?: { name?: string; resourceVersion?: string } };
}

type WatchQuery = Record<string, string | number | boolean>;

/** A watch of the real client whose events can be awaited, by how many there are. */
async function watchJobs(
  url: string,
  query: WatchQuery = {},
  requestTimeoutMs?: number,
  resource: 'jobs' | 'pods' = 'jobs',
) {
  const watch = new Watch(kubeConfigFor(url));
  if (requestTimeoutMs !== undefined) watch['requestTimeoutMs'] = requestTimeoutMs;
  const events: Seen[] = [];
  const waiting = new Set<() => void>();
  const ended = Promise.withResolvers<unknown>();
  const path = `/${resource === 'jobs' ? 'apis/batch/v1' : 'api/v1'}/namespaces/${namespace}/${resource}`;
  const seen = (type: string, object: Seen['object']) => {
    events.push({ type, object });
    for (const look of waiting) look();
  };
  const controller = await watch.watch(path, query, seen, (error: unknown) => ended.resolve(error));
  const until = (there: (seen: readonly Seen[]) => boolean) =>
    new Promise<void>((resolve) => {
      const look = () => (there(events) ? resolve() : undefined);
      waiting.add(look);
      look();
    });
  return { events, ended: ended.promise, until, stop: () => controller.abort() };
}
export const typesOf = (events: readonly Seen[]) =>
  events.map(({ type, object }) => `${type} ${object.metadata?.name ?? ''}`.trim());

/** One fake API server for all tests of a file, reset to seed 1 before each, and real clients of it. */
export function openApiServerLab() {
  let server: FakeApiServer;
  beforeAll(async () => void (server = await startFakeApiServer()));
  beforeEach(() => server.reset(1));
  afterAll(() => server.close());

  function clients() {
    const config = kubeConfigFor(server.url);
    return { batch: config.makeApiClient(BatchV1Api), core: config.makeApiClient(CoreV1Api) };
  }
  const erase = (name: string, options: object) =>
    clients().batch.deleteNamespacedJob({ name, namespace, body: model<V1DeleteOptions>(options) });
  const create = (name: string, spec?: object) =>
    clients().batch.createNamespacedJob({ namespace, body: jobOf(name, spec) });
  const patch = (name: string, body: unknown, strategy: string = PatchStrategy.MergePatch) =>
    clients().batch.patchNamespacedJob({ name, namespace, body }, setHeaderOptions('Content-Type', strategy));
  const podsOf = async (name: string) =>
    (await clients().core.listNamespacedPod({ namespace, labelSelector: `batch.kubernetes.io/job-name=${name}` }))
      .items;
  const conditionsOf = async (name: string) =>
    (await clients().batch.readNamespacedJob({ name, namespace })).status?.conditions?.map(({ type, reason }) => ({
      type,
      reason,
    }));
  return {
    /** Available in hooks and tests. */
    get server() {
      return server;
    },
    ...{ clients, erase, create, patch, podsOf, conditionsOf },
    watchJobs: (query?: WatchQuery, requestTimeoutMs?: number, resource?: 'jobs' | 'pods') =>
      watchJobs(server.url, query, requestTimeoutMs, resource),
  };
}
