import { CustomObjectsApi } from '@kubernetes/client-node';
import type { Cluster } from '../client.ts';
import type { JobPlacement } from '../manifests/job.ts';
import { hidden, see, type Finding, type ServedGroups } from './finding.ts';

export async function inspectQueue(
  { kubeConfig }: Cluster,
  { namespace, queue }: JobPlacement,
  served: ServedGroups,
): Promise<Finding | undefined> {
  if (!queue) return undefined;
  const what = 'queue';
  const group = 'kueue.x-k8s.io';
  const version = served.get(group);
  if (!version)
    return {
      what,
      ok: false,
      detail: `nobody serves ${queue}: Kueue is not installed`,
      remedy: 'install Kueue, or unset TUNELINE_JOB_QUEUE: Jobs then start as soon as a node has room',
    };
  const asked = kubeConfig
    .makeApiClient(CustomObjectsApi)
    .getNamespacedCustomObject({ group, version, namespace, plural: 'localqueues', name: queue });
  const seen = await see(asked as Promise<LocalQueue>);
  if (seen === 'hidden') return hidden(what, queue);
  if (seen === 'missing')
    return {
      what,
      ok: false,
      detail: `there is no LocalQueue ${queue} in ${namespace}`,
      remedy: `"kubectl -n ${namespace} get localqueues" lists the existing ones; set TUNELINE_JOB_QUEUE to one of them`,
    };
  const active = seen.status?.conditions?.find(({ type }) => type === 'Active');
  if (active?.status === 'False')
    return {
      what,
      ok: false,
      detail: `${queue} admits nothing: ${active.message ?? active.reason ?? ''}`,
      remedy: `"kubectl get clusterqueue ${seen.spec?.clusterQueue ?? ''} -o yaml" shows what its ClusterQueue lacks`,
    };
  return { what, ok: true, detail: `${queue}, ${seen.status?.pendingWorkloads ?? 0} waiting` };
}

interface LocalQueue {
  readonly spec?: { readonly clusterQueue?: string };
  readonly status?: {
    readonly pendingWorkloads?: number;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason?: string;
      readonly message?: string;
    }[];
  };
}
