import type { KubernetesObject, V1ObjectMeta, V1PodSpec } from '@kubernetes/client-node';
import { digestOfText } from '../../domain/digest.ts';
import { releaseName } from '../../domain/names.ts';
import type { Release, Trial } from '../../domain/endpoint/release.ts';
import { podOf } from './release-pod.ts';
import type { ReleasePlacement } from './release-placement.ts';
import { inferenceServiceApi, inferenceServiceKind, releaseMetadata, scraped } from './release-metadata.ts';

/** A `serving.kserve.io/v1beta1` InferenceService: the part that is written here, or read. */
export interface InferenceService extends KubernetesObject {
  readonly metadata: V1ObjectMeta;
  readonly spec: { readonly predictor: V1PodSpec & { readonly annotations: Readonly<Record<string, string>> } };
  readonly status?: {
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message?: string }[];
  };
}

/** A Deployment and nothing of Knative or Istio. KServe before 0.16 called it RawDeployment. */
const standardMode = { 'serving.kserve.io/deploymentMode': 'Standard' };
/**
 * KServe makes no autoscaler and leaves the number of replicas alone, which here is a release's share: its own would go by
 * the whole pod's processor, and by no metric that the settings may name.
 */
const scaledByUs = { 'serving.kserve.io/autoscalerClass': 'external' };
/** No way in past the endpoint: KServe would have its ingress reach each release under a name of its own. */
const clusterLocal = { 'networking.kserve.io/visibility': 'cluster-local' };

/**
 * KServe makes up the host name `NAME-predictor-NAMESPACE`, of 63 characters at most, and refuses a longer one. What a
 * person reads gives way to what tells releases apart.
 */
export function inferenceServiceName(release: Release, namespace: string): string {
  const name = releaseName(release);
  const maximumLength = 63 - `-predictor-${namespace}`.length;
  if (name.length <= maximumLength) return name;
  const unique = digestOfText(name).slice(7, 19);
  return `tl-${release.endpoint.slice(0, Math.max(0, maximumLength - `tl--${unique}`.length))}-${unique}`;
}

/** A release as a predictor of KServe, which makes a Deployment of it with the same labels and pods as ours would have. */
export function inferenceServiceManifest(
  release: Release,
  trial: Trial,
  placement: ReleasePlacement,
): InferenceService {
  const { labels, annotations, ...metadata } = releaseMetadata(release, placement);
  return {
    apiVersion: `${inferenceServiceApi.group}/${inferenceServiceApi.version}`,
    kind: inferenceServiceKind,
    metadata: {
      ...metadata,
      name: inferenceServiceName(release, placement.namespace),
      labels: { ...labels, ...clusterLocal },
      annotations: { ...annotations, ...standardMode, ...scaledByUs },
    },
    spec: { predictor: { ...podOf(release, trial, placement), annotations: scraped } },
  } satisfies InferenceService;
}
