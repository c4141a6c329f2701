import type { Cluster } from '../client.ts';
import type { Finding } from './finding.ts';
import { inspectGrants, type Grant } from './grants.ts';
import { servesGateways } from '../releases/gateway-api-routing.ts';
import { kserveMissing, servesInferenceServices } from '../releases/inference-services.ts';
import { inferenceServiceApi } from '../manifests/release-metadata.ts';
import type { ReleasePlacement } from '../manifests/release-placement.ts';
import { gatewayGroup } from '../manifests/traffic.ts';

/** The rights that the endpoint host needs in its namespace. */
const needed: readonly Grant[] = [
  ['apps', 'deployments', ['create', 'list', 'patch', 'delete']],
  ['autoscaling', 'horizontalpodautoscalers', ['create', 'patch']],
  ['policy', 'poddisruptionbudgets', ['create']],
  ['', 'services', ['create', 'get', 'patch']],
  ['', 'pods', ['list']],
];
/** Needed if KServe creates the Deployments. */
const byKserve: Grant = [inferenceServiceApi.group, 'inferenceservices', ['create', 'list', 'delete']];
const byReplicas: Grant = ['discovery.k8s.io', 'endpointslices', ['list']];
const byRoute: Grant = [gatewayGroup, 'httproutes', ['create', 'get', 'patch']];

/** Checks that a cluster can serve releases with this placement. Changes nothing. */
export async function inspectServing(
  cluster: Cluster,
  { namespace, gateway, replicas, kserve }: ReleasePlacement,
): Promise<Finding[]> {
  const routed = gateway !== undefined && (await servesGateways(cluster));
  const grants = await inspectGrants(cluster, namespace, {
    what: 'serving',
    who: 'releases need',
    needed: [...needed, routed ? byRoute : byReplicas, ...(kserve ? [byKserve] : [])],
  });
  const split: Finding = gateway
    ? {
        what: 'traffic',
        ok: routed,
        detail: routed
          ? `by HTTPRoutes of the Gateway ${gateway.namespace}/${gateway.name}`
          : `the cluster does not serve ${gatewayGroup}: the Gateway ${gateway.namespace}/${gateway.name} is not used`,
        remedy: 'install the Gateway API, or unset TUNELINE_GATEWAY: traffic is then split by replicas',
      }
    : {
        what: 'traffic',
        ok: true,
        detail: `by replicas, ${replicas.most} while it is split: a canary has ${Math.ceil(100 / Math.max(2, replicas.most))} % at least`,
      };
  return [grants, split, ...(kserve ? [await inspectKserve(cluster)] : [])];
}

async function inspectKserve({ custom }: Cluster): Promise<Finding> {
  const what = 'KServe';
  return (await servesInferenceServices(custom))
    ? { what, ok: true, detail: 'each release is an InferenceService' }
    : { what, ok: false, ...kserveMissing };
}
