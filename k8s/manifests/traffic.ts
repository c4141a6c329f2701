import type { V1Deployment, V1ObjectMeta, V1Service } from '@kubernetes/client-node';
import { endpointName, releaseName } from '../../domain/names.ts';
import { releaseId, type Share } from '../../domain/endpoint/release.ts';
import { annotations, labels, releaseLabels, servedBy } from '../names.ts';
import type { GatewayReference } from './release-placement.ts';
import { ports } from './release-pod.ts';
import { ownedBy } from './release-metadata.ts';

/** The data that is written about an endpoint's traffic. */
export interface TrafficEntry {
  readonly namespace: string;
  readonly endpoint: string;
  readonly shares: readonly Share[];
  /** Unique for each write. */
  readonly id: string;
}

const metadataOf = ({ namespace, endpoint, shares, id }: TrafficEntry): V1ObjectMeta => ({
  name: endpointName(endpoint),
  namespace,
  labels: { [labels.partOf]: 'tuneline', [labels.managedBy]: servedBy, [labels.endpoint]: endpoint },
  annotations: { [annotations.shares]: JSON.stringify(shares), [annotations.written]: id, ...settledBy(shares) },
});

/** A split does not name a settled release, so that the merge patch keeps the one before. */
const settledBy = ([only, ...others]: readonly Share[]): Record<string, string> =>
  only && others.length === 0 ? { [annotations.settled]: releaseId(only.release) } : {};

const clientsPort = { name: 'http', port: ports.clients, targetPort: 'http' };

/**
 * The Service that clients reach if replicas split the traffic. It selects the pods of the one release that has
 * traffic. During a split it selects all pods of the endpoint, because a selector can't express "or". Then no other
 * release may have pods.
 */
export function endpointService(entry: TrafficEntry): V1Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadataOf(entry),
    spec: { selector: selectorOf(entry), ports: [clientsPort] },
  } satisfies V1Service;
}

function selectorOf({ endpoint, shares }: TrafficEntry): Readonly<Record<string, string>> {
  const [only, ...others] = shares;
  if (!only) return { [labels.endpoint]: endpoint, [labels.release]: 'none' };
  return others.length === 0 ? releaseLabels(only.release) : { [labels.endpoint]: endpoint };
}

/** The Service that receives a release's share from a route. It is deleted with the release. */
export const releaseService = (deployment: V1Deployment): V1Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: ownedBy(deployment),
  spec: { selector: deployment.spec?.selector.matchLabels ?? {}, ports: [clientsPort] },
});

/** A Gateway API HTTPRoute: only the fields that are written or read here. */
export interface HttpRoute {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name?: string;
    readonly resourceVersion?: string;
    readonly generation?: number;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: {
    readonly parentRefs: readonly { readonly namespace: string; readonly name: string }[];
    readonly hostnames: readonly string[];
    readonly rules: readonly {
      readonly timeouts: { readonly request: string };
      readonly backendRefs: readonly { readonly name: string; readonly port: number; readonly weight: number }[];
    }[];
  };
  readonly status?: { readonly parents?: readonly { readonly conditions?: readonly RouteCondition[] }[] };
}

interface RouteCondition {
  readonly type: string;
  readonly status: string;
  readonly message?: string;
  readonly observedGeneration?: number;
}

export const gatewayGroup = 'gateway.networking.k8s.io';

export const urlThrough = ({ url }: GatewayReference, endpoint: string): string => url.replace('*', endpoint);

/** The HTTPRoute that clients reach through a Gateway. Its weights are the shares of the releases. */
export function endpointRoute(entry: TrafficEntry, gateway: GatewayReference): HttpRoute {
  const { endpoint, shares } = entry;
  return {
    apiVersion: `${gatewayGroup}/v1`,
    kind: 'HTTPRoute',
    metadata: metadataOf(entry),
    spec: {
      parentRefs: [{ namespace: gateway.namespace, name: gateway.name }],
      hostnames: [new URL(urlThrough(gateway, endpoint)).hostname],
      rules: [
        {
          // No limit here: some gateways time out after 15 s, and an answer may take longer. The release proxy has its
          // own limit.
          timeouts: { request: '0s' },
          backendRefs: shares.map(({ release, percent }) => ({
            name: releaseName(release),
            port: ports.clients,
            weight: percent,
          })),
        },
      ],
    },
  };
}
