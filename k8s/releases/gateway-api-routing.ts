import { randomUUID } from 'node:crypto';
import { PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import { endpointName } from '../../domain/names.ts';
import { boundsByRoute } from '../../domain/endpoint/replicas.ts';
import { statusOf, unlessMissing, type Cluster } from '../client.ts';
import { endpointRoute, gatewayGroup, releaseService, urlThrough, type HttpRoute } from '../manifests/traffic.ts';
import type { GatewayReference } from '../manifests/release-placement.ts';
import { overtaken, recordFrom, type Routing } from './routing.ts';

const mergePatch = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);

/** True if the cluster serves the Gateway API. */
export const servesGateways = async ({ apis }: Pick<Cluster, 'apis'>): Promise<boolean> =>
  (await apis.getAPIVersions()).groups.some(({ name }) => name === gatewayGroup);

/** Splits traffic by the weights of an HTTPRoute, in whole percents, independent of the number of pods. */
export function createGatewayApiRouting(
  { core, custom }: Pick<Cluster, 'core' | 'custom'>,
  namespace: string,
  gateway: GatewayReference,
): Routing {
  const at = { group: gatewayGroup, version: 'v1', namespace, plural: 'httproutes' };
  const readRoute = (endpoint: string): Promise<HttpRoute | undefined> =>
    (custom.getNamespacedCustomObject({ ...at, name: endpointName(endpoint) }) as Promise<HttpRoute>).catch(
      unlessMissing,
    );

  return {
    isSharedByAll: false,
    urlOf: (endpoint) => urlThrough(gateway, endpoint),
    boundsOf: boundsByRoute,

    read: async (endpoint) => recordFrom((await readRoute(endpoint))?.metadata),

    async open(deployment) {
      await core.createNamespacedService({ namespace, body: releaseService(deployment) }).catch((error: unknown) => {
        if (statusOf(error) !== 409) throw error;
      });
    },

    async write(endpoint, shares, { resourceVersion }) {
      const route = endpointRoute({ namespace, endpoint, shares, id: randomUUID() }, gateway);
      const written = resourceVersion
        ? custom.patchNamespacedCustomObject(
            {
              ...at,
              name: endpointName(endpoint),
              body: { ...route, metadata: { ...route.metadata, resourceVersion } },
            },
            mergePatch,
          )
        : custom.createNamespacedCustomObject({ ...at, body: route });
      await written.catch((error: unknown) => {
        throw statusOf(error) === 409 ? overtaken(endpoint) : error;
      });
    },

    async missing(endpoint, shares) {
      // Without shares there is no backend that the Gateway could accept.
      if (shares.length === 0) return undefined;
      const route = await readRoute(endpoint);
      const conditions = (route?.status?.parents ?? [])
        .flatMap((parent) => parent.conditions ?? [])
        .filter(({ observedGeneration = 0 }) => observedGeneration >= (route?.metadata.generation ?? 0));
      for (const wanted of ['Accepted', 'ResolvedRefs']) {
        const condition = conditions.find(({ type }) => type === wanted);
        if (condition?.status !== 'True')
          return `the Gateway ${gateway.namespace}/${gateway.name} has not taken the route: ${condition?.message ?? 'its controller says nothing'}`;
      }
      return undefined;
    },
  };
}
