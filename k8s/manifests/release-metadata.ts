import type { V1Deployment, V1ObjectMeta, V1OwnerReference } from '@kubernetes/client-node';
import { releaseName } from '../../domain/names.ts';
import type { Release } from '../../domain/endpoint/release.ts';
import { annotations, labels, releaseLabels, servedBy, servedNameOf } from '../names.ts';
import type { ReleasePlacement } from './release-placement.ts';
import { ports } from './release-pod.ts';

/** What a release is found by, whatever holds it. */
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

/** On pods: where Prometheus finds their figures. */
export const scraped = {
  'prometheus.io/scrape': 'true',
  'prometheus.io/port': String(ports.clients),
  'prometheus.io/path': '/metrics',
};

export const inferenceServiceApi = { group: 'serving.kserve.io', version: 'v1beta1' } as const;
export const inferenceServiceKind = 'InferenceService';

/** The InferenceService that KServe made a Deployment of, if it did. */
export const inferenceServiceOf = ({ metadata }: V1Deployment): V1OwnerReference | undefined =>
  metadata?.ownerReferences?.find(
    ({ kind, apiVersion }) => kind === inferenceServiceKind && apiVersion.startsWith(`${inferenceServiceApi.group}/`),
  );

/** What is made beside a release's Deployment with. It goes when that does, or what KServe made that of, for KServe makes anew a Deployment that somebody deletes. */
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
