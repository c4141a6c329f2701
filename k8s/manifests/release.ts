import type { V1Deployment, V1ObjectMeta, V2HorizontalPodAutoscaler, V1PodDisruptionBudget } from '@kubernetes/client-node';
import { releaseName } from '../../domain/names.ts';
import type { Release, Trial } from '../../domain/release.ts';
import type { ReplicaBounds } from '../../domain/replicas.ts';
import { annotations, labels, releaseLabels, servedBy } from '../names.ts';
import type { ReleasePlacement } from './release-placement.ts';
import { engineContainer, podOf, ports } from './release-pod.ts';

const servedLabels = { [labels.name]: 'tuneline-release', [labels.partOf]: 'tuneline', [labels.managedBy]: servedBy, [labels.component]: 'serve' };

/** A model that loads for half an hour and an image that takes as long to come are no failure yet. */
export const progressSeconds = 3600;

/** One replica of a release, without traffic. It serves the digest that its name is made from, for as long as it is there. */
export function deploymentManifest(release: Release, trial: Trial, placement: ReleasePlacement): V1Deployment {
  const own = releaseLabels(release);
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: releaseName(release), namespace: placement.namespace, labels: { ...servedLabels, ...own }, annotations: { [annotations.release]: JSON.stringify(release) } },
    spec: {
      replicas: 1,
      revisionHistoryLimit: 0,
      progressDeadlineSeconds: progressSeconds,
      selector: { matchLabels: own },
      template: {
        metadata: { labels: { ...servedLabels, ...own }, annotations: { 'prometheus.io/scrape': 'true', 'prometheus.io/port': String(ports.clients), 'prometheus.io/path': '/metrics' } },
        spec: podOf(release, trial, placement),
      },
    },
  } satisfies V1Deployment;
}

/** What a Deployment's other objects are made with: they go when it does. */
const ownedBy = ({ metadata }: V1Deployment): V1ObjectMeta => ({
  name: metadata?.name ?? '',
  namespace: metadata?.namespace ?? '',
  labels: metadata?.labels ?? {},
  ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: metadata?.name ?? '', uid: metadata?.uid ?? '' }],
});

export function autoscalerManifest(deployment: V1Deployment, { least, most }: ReplicaBounds, { load }: Pick<ReleasePlacement, 'load'>): V2HorizontalPodAutoscaler {
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: ownedBy(deployment),
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: deployment.metadata?.name ?? '' },
      minReplicas: least,
      maxReplicas: most,
      metrics: [
        load
          ? { type: 'Pods', pods: { metric: { name: load.metric }, target: { type: 'AverageValue', averageValue: load.each } } }
          : { type: 'ContainerResource', containerResource: { name: 'cpu', container: engineContainer, target: { type: 'Utilization', averageUtilization: 80 } } },
      ],
    },
  } satisfies V2HorizontalPodAutoscaler;
}

/** Who drains nodes leaves half of the replicas; of an only one he chooses the moment and deletes it, for another loads for minutes. */
export function disruptionBudgetManifest(deployment: V1Deployment): V1PodDisruptionBudget {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: ownedBy(deployment),
    spec: {
      minAvailable: '50%',
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
      selector: deployment.spec?.selector ?? {},
    },
  } satisfies V1PodDisruptionBudget;
}
