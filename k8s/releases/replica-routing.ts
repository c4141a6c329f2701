import { randomUUID } from 'node:crypto';
import { PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import { endpointName } from '../../domain/names.ts';
import { releaseId } from '../../domain/endpoint/release.ts';
import { boundsByReplicas } from '../../domain/endpoint/replicas.ts';
import { statusOf, unlessMissing, type Cluster } from '../client.ts';
import { endpointService } from '../manifests/traffic.ts';
import { ports } from '../manifests/release-pod.ts';
import { labels } from '../names.ts';
import { overtaken, recordFrom, type Routing } from './routing.ts';

const mergePatch = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);

/** Splits traffic by the number of each release's pods behind one Service. Works on every cluster. */
export function createReplicaRouting(
  { core, discovery }: Pick<Cluster, 'core' | 'discovery'>,
  namespace: string,
): Routing {
  /** The number of pods that get requests, by release ID. */
  async function readyPods(endpoint: string): Promise<Map<string, number>> {
    const [slices, pods] = await Promise.all([
      discovery.listNamespacedEndpointSlice({
        namespace,
        labelSelector: `kubernetes.io/service-name=${endpointName(endpoint)}`,
      }),
      core.listNamespacedPod({ namespace, labelSelector: `${labels.endpoint}=${endpoint}` }),
    ]);
    const releaseOf = new Map(
      pods.items.map(({ metadata }) => [metadata?.name, metadata?.labels?.[labels.release] ?? '']),
    );
    // A slice without endpoints has null there, although its type excludes it.
    const ready = slices.items
      .flatMap(({ endpoints }) => endpoints ?? [])
      .filter(({ conditions }) => conditions?.ready === true);
    // A Service with two address families lists each pod in two slices.
    const names = new Set(ready.map(({ targetRef }) => targetRef?.name));
    const byRelease = Map.groupBy(names, (name) => releaseOf.get(name) ?? 'unknown');
    return new Map([...byRelease].map(([id, its]) => [id, its.length]));
  }

  return {
    isSharedByAll: true,
    urlOf: (endpoint) => `http://${endpointName(endpoint)}.${namespace}:${ports.clients}`,
    boundsOf: boundsByReplicas,

    async read(endpoint) {
      const service = await core
        .readNamespacedService({ namespace, name: endpointName(endpoint) })
        .catch(unlessMissing);
      return recordFrom(service?.metadata);
    },

    open: () => Promise.resolve(),

    async write(endpoint, shares, { resourceVersion }) {
      const { metadata, spec, ...kind } = endpointService({ namespace, endpoint, shares, id: randomUUID() });
      // A merge patch keeps fields that it does not name. The null removes the selector's release if several releases
      // have traffic.
      const selector = { [labels.release]: null, ...spec?.selector };
      const written = resourceVersion
        ? core.patchNamespacedService(
            {
              namespace,
              name: endpointName(endpoint),
              body: { metadata: { ...metadata, resourceVersion }, spec: { selector } },
            },
            mergePatch,
          )
        : core.createNamespacedService({ namespace, body: { ...kind, metadata: metadata ?? {}, spec: spec ?? {} } });
      await written.catch((error: unknown) => {
        throw statusOf(error) === 409 ? overtaken(endpoint) : error;
      });
    },

    async missing(endpoint, shares, bounds) {
      const ready = await readyPods(endpoint);
      const wanted = new Set(shares.map(({ release }) => releaseId(release)));
      const foreign = [...ready.keys()].filter((id) => !wanted.has(id));
      if (foreign.length > 0) return `pods of ${foreign.join(', ')} still get requests`;
      for (const [index, { release }] of shares.entries()) {
        const [pods, { least, most }] = [
          ready.get(releaseId(release)) ?? 0,
          bounds[index] ?? { least: 1, most: Infinity },
        ];
        if (pods < least || pods > most)
          return `${pods} pods of version ${release.version} get requests, not ${least === most ? least : `${least} to ${most}`}`;
      }
      return undefined;
    },
  };
}
