import {
  CoordinationV1Api,
  CustomObjectsApi,
  KubeConfig,
  PatchStrategy,
  setHeaderOptions,
} from '@kubernetes/client-node';
import { connectCluster, type Cluster as Connection } from '../../../../k8s/client.ts';
import { createKubernetesJobRunner } from '../../../../k8s/jobs/job-runner.ts';
import { whileLeading } from '../../../../k8s/lease.ts';
import { jobSetApi } from '../../../../k8s/manifests/job-set.ts';
import type { JobPlacement } from '../../../../k8s/manifests/job.ts';
import { neverEnding } from '../never-ending.ts';
import { namespace, placement } from './resources.ts';

/** The cluster as an account of the namespace sees it: by its token alone. */
export async function as(name: string, admin: Connection): Promise<{ connection: Connection; kubeConfig: KubeConfig }> {
  const { status } = await admin.core.createNamespacedServiceAccountToken({
    name,
    namespace,
    body: { spec: { audiences: [] } },
  });
  const kubeConfig = new KubeConfig();
  const server = admin.kubeConfig.getCurrentCluster();
  if (!server) throw new Error('the cluster has an address');
  kubeConfig.loadFromClusterAndUser(server, { name, token: status?.token ?? '' });
  return { connection: connectCluster(kubeConfig), kubeConfig };
}

/** What a worker does with an account, and what its log says meanwhile. */
export async function workerAs(account: string, admin: Connection) {
  const { connection, kubeConfig } = await as(account, admin);
  const said: string[] = [];
  const log = (message: string, fields: Record<string, unknown>): void =>
    void said.push(`${message} ${JSON.stringify(fields)}`);
  const placed = await placement();
  const runner = (more: Partial<JobPlacement> = {}, through = connection) =>
    createKubernetesJobRunner({ cluster: through, placement: { ...placed, ...more }, log });
  return {
    connection,
    said,
    runner: runner(),
    /** One runner hands its hints to one reader, and `finished` is one. */
    watcher: runner(),
    endless: runner({}, neverEnding(connection)),
    /** No Kueue is here to admit its Jobs. */
    queued: runner({ queue: 'jobs' }),
    placed,
    lead: async (during: (leading: () => boolean) => Promise<unknown>): Promise<void> => {
      const stop = new AbortController();
      let leading = false;
      const api = kubeConfig.makeApiClient(CoordinationV1Api);
      const over = whileLeading(
        { api, namespace, name: account, holder: account, log, clocks: { durationMs: 2000, renewMs: 100 } },
        stop.signal,
        async (signal) => {
          leading = true;
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
        },
      );
      await during(() => leading);
      stop.abort();
      await over;
    },
    kueue: (plural: string, name?: string): Promise<unknown> => {
      const custom = kubeConfig.makeApiClient(CustomObjectsApi);
      const asked = { group: 'kueue.x-k8s.io', version: 'v1beta1', namespace, plural };
      return name ? custom.getNamespacedCustomObject({ ...asked, name }) : custom.listNamespacedCustomObject(asked);
    },
    jobSets: (verb: JobSetVerb): Promise<unknown> => {
      const custom = kubeConfig.makeApiClient(CustomObjectsApi);
      const asked = { ...jobSetApi, namespace, plural: 'jobsets', name: 'gang', body: {} };
      const attempts = {
        create: () => custom.createNamespacedCustomObject(asked),
        get: () => custom.getNamespacedCustomObject(asked),
        patch: () => custom.patchNamespacedCustomObject(asked, mergePatch),
        delete: () => custom.deleteNamespacedCustomObject(asked),
      };
      return attempts[verb]();
    },
  };
}

const mergePatch = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);
export const jobSetVerbs = ['create', 'get', 'patch', 'delete'] as const;
type JobSetVerb = (typeof jobSetVerbs)[number];

export type Acting = Awaited<ReturnType<typeof workerAs>>;
