import { AuthorizationV1Api } from '@kubernetes/client-node';
import type { Cluster } from '../client.ts';
import type { JobPlacement } from '../manifests/job.ts';
import { jobSetApi } from '../manifests/job-set.ts';
import type { Finding, ServedGroups } from './finding.ts';

export type Grant = readonly [group: string, resource: string, verbs: readonly string[]];

/** The runner needs these rights in its namespace. */
const neededForJobs: readonly Grant[] = [
  ['batch', 'jobs', ['create', 'get', 'list', 'watch', 'patch', 'delete']],
  ['', 'pods', ['list', 'watch']],
  ['', 'pods/log', ['get']],
  ['coordination.k8s.io', 'leases', ['create', 'get', 'update']],
];

/** The runner needs these too if the cluster has JobSet. */
const neededForSets: readonly Grant[] = [[jobSetApi.group, 'jobsets', ['create', 'get', 'patch', 'delete']]];

export const inspectPermissions = (
  cluster: Cluster,
  { namespace, queue }: JobPlacement,
  served: ServedGroups,
): Promise<Finding> =>
  inspectGrants(cluster, namespace, {
    what: 'permissions',
    who: 'Jobs need',
    needed: [
      ...neededForJobs,
      ...(served.has(jobSetApi.group) ? neededForSets : []),
      ...(queue ? [['kueue.x-k8s.io', 'workloads', ['list']] as const] : []),
    ],
  });

/** Checks that this account has all the needed rights in a namespace. */
export async function inspectGrants(
  { kubeConfig }: Cluster,
  namespace: string,
  { what, who, needed }: { readonly what: string; readonly who: string; readonly needed: readonly Grant[] },
): Promise<Finding> {
  const api = kubeConfig.makeApiClient(AuthorizationV1Api);
  const asked = needed.flatMap(([group, path, verbs]) => verbs.map((verb) => ({ group, path, verb })));
  const answers = await Promise.all(
    asked.map(async ({ group, path, verb }) => {
      const [resource, subresource] = path.split('/');
      const resourceAttributes = { namespace, group, verb, resource, subresource };
      const review = await api.createSelfSubjectAccessReview({ body: { spec: { resourceAttributes } } });
      return review.status?.allowed ? [] : [`${path} ${verb}`];
    }),
  );
  const missing = answers.flat();
  if (missing.length === 0) return { what, ok: true, detail: `all ${asked.length} that ${who} in ${namespace}` };
  return {
    what,
    ok: false,
    detail: `this account may not, in ${namespace}: ${missing.join(', ')}`,
    remedy:
      '"kubectl apply -k k8s/install" gives the account "worker" what it needs; who runs the cluster can give it to yours',
  };
}
