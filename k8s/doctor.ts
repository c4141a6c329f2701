import { ApisApi } from '@kubernetes/client-node';
import type { Cluster } from './client.ts';
import type { Finding, ServedGroups } from './doctor/finding.ts';
import { inspectPermissions } from './doctor/grants.ts';
import { describeSeveralNodes, inspectGpus, inspectPriorityClass } from './doctor/nodes.ts';
import { inspectQueue } from './doctor/queue.ts';
import { inspectNamespace, inspectServer } from './doctor/server.ts';
import { inspectClaim } from './doctor/storage-claim.ts';
import type { JobPlacement } from './manifests/job.ts';

/** A server that accepts a connection and then stays silent must not block the user. */
const patienceMs = 10_000;

/** Checks that the cluster can run Jobs with this placement. Changes nothing. */
export async function inspectCluster(
  cluster: Cluster,
  placement: JobPlacement,
  answerWithinMs = patienceMs,
): Promise<Finding[]> {
  const server = await inspectServer(cluster, answerWithinMs);
  if (!server.ok) return [server];
  const namespace = await inspectNamespace(cluster, placement);
  const { groups } = await cluster.kubeConfig.makeApiClient(ApisApi).getAPIVersions();
  const served: ServedGroups = new Map(
    groups.map(({ name, preferredVersion }) => [name, preferredVersion?.version ?? '']),
  );
  const inside = namespace.ok ? [inspectPermissions, inspectClaim, inspectQueue] : [];
  const findings = await Promise.all(
    [...inside, inspectPriorityClass, inspectGpus].map((inspect) => inspect(cluster, placement, served)),
  );
  return [server, namespace, ...findings.filter((finding) => finding !== undefined), describeSeveralNodes(served)];
}
