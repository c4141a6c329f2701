import type { V1Deployment, V2HorizontalPodAutoscaler, V1PodDisruptionBudget } from '@kubernetes/client-node';
import type { Release, Trial } from '../../domain/endpoint/release.ts';
import type { ReplicaBounds } from '../../domain/endpoint/replicas.ts';
import { releaseLabels } from '../names.ts';
import { ownedBy, releaseMetadata, scraped } from './release-metadata.ts';
import type { ReleasePlacement } from './release-placement.ts';
import { engineContainer, podOf } from './release-pod.ts';

/** One hour. A model may load for half an hour, and its image may take as long to pull. */
export const progressSeconds = 3600;

/** One replica of a release, without traffic. Its name contains the digest of what it serves, so that never changes. */
export function deploymentManifest(release: Release, trial: Trial, placement: ReleasePlacement): V1Deployment {
  const metadata = releaseMetadata(release, placement);
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata,
    spec: {
      replicas: 1,
      revisionHistoryLimit: 0,
      progressDeadlineSeconds: progressSeconds,
      selector: { matchLabels: releaseLabels(release) },
      template: {
        metadata: { labels: metadata.labels, annotations: scraped },
        spec: podOf(release, trial, placement),
      },
    },
  } satisfies V1Deployment;
}

export function autoscalerManifest(
  deployment: V1Deployment,
  { least, most }: ReplicaBounds,
  { load }: Pick<ReleasePlacement, 'load'>,
): V2HorizontalPodAutoscaler {
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
          ? {
              type: 'Pods',
              pods: { metric: { name: load.metric }, target: { type: 'AverageValue', averageValue: load.each } },
            }
          : {
              type: 'ContainerResource',
              containerResource: {
                name: 'cpu',
                container: engineContainer,
                target: { type: 'Utilization', averageUtilization: 80 },
              },
            },
      ],
    },
  } satisfies V2HorizontalPodAutoscaler;
}

/**
 * A node drain leaves half of the replicas. A single replica blocks the drain until the administrator deletes it,
 * because a new one loads for minutes.
 */
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
