import type { V1Deployment, V1ObjectMeta, V1OwnerReference } from '@kubernetes/client-node';
import { releaseName } from '../../domain/names.ts';
import type { Release } from '../../domain/endpoint/release.ts';
import { annotations, labels, releaseLabels, servedBy, servedNameOf } from '../names.ts';
import type { ReleasePlacement } from './release-placement.ts';
import { ports } from './release-pod.ts';

/** The name, labels and annotations by which a release is found, for every kind of object. */
export const releaseMetadata = (release: Release, { namespace }: ReleasePlacement) => ({
  name: releaseName(release),
  namespace,
  labels: {
    [labels.name]: 'tuneline-release',
    [labels.partOf]: 'tuneline',
    [labels.managedBy]: servedBy,
    [labels.component]: 'serve',
    ...releaseLabels(release),
  },
  annotations: { [annotations.release]: JSON.stringify(release) },
});

/** Pod annotations that tell Prometheus where to scrape. */
export const scraped = {
  'prometheus.io/scrape': 'true',
  'prometheus.io/port': String(ports.clients),
  'prometheus.io/path': '/metrics',
};

export const inferenceServiceApi = { group: 'serving.kserve.io', version: 'v1beta1' } as const;
export const inferenceServiceKind = 'InferenceService';

/** The InferenceService that owns the Deployment. Undefined if KServe did not create it. */
export const inferenceServiceOf = ({ metadata }: V1Deployment): V1OwnerReference | undefined =>
  metadata?.ownerReferences?.find(
    ({ kind, apiVersion }) => kind === inferenceServiceKind && apiVersion.startsWith(`${inferenceServiceApi.group}/`),
  );

/**
 * The metadata of objects that belong to a release's Deployment. They are deleted with their owner: the Deployment, or
 * its InferenceService if KServe created it, because KServe recreates a Deployment that was deleted.
 */
export function ownedBy(deployment: V1Deployment): V1ObjectMeta {
  const { metadata } = deployment;
  const { apiVersion, kind, name, uid } = inferenceServiceOf(deployment) ?? {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    name: metadata?.name ?? '',
    uid: metadata?.uid ?? '',
  };
  return {
    name: servedNameOf(deployment),
    namespace: metadata?.namespace ?? '',
    labels: metadata?.labels ?? {},
    ownerReferences: [{ apiVersion, kind, name, uid }],
  };
}
