import type { KubernetesObject, V1ObjectMeta, V1PodSpec } from '@kubernetes/client-node';
import { digestOfText } from '../../domain/digest.ts';
import { releaseName } from '../../domain/names.ts';
import type { Release, Trial } from '../../domain/endpoint/release.ts';
import { podOf } from './release-pod.ts';
import type { ReleasePlacement } from './release-placement.ts';
import { inferenceServiceApi, inferenceServiceKind, releaseMetadata, scraped } from './release-metadata.ts';

/** A `serving.kserve.io/v1beta1` InferenceService: only the fields that are written or read here. */
export interface InferenceService extends KubernetesObject {
  readonly metadata: V1ObjectMeta;
  readonly spec: { readonly predictor: V1PodSpec & { readonly annotations: Readonly<Record<string, string>> } };
  readonly status?: {
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message?: string }[];
  };
}

/** A plain Deployment without Knative or Istio. KServe before 0.16 called this mode RawDeployment. */
const standardMode = { 'serving.kserve.io/deploymentMode': 'Standard' };
/**
 * KServe creates no autoscaler and does not change the replica count, because the count is a release's share of
 * traffic. KServe's autoscaler would scale by the CPU of the whole pod, and not by the metric in the settings.
 */
const scaledByUs = { 'serving.kserve.io/autoscalerClass': 'external' };
/** Clients must use the endpoint. Otherwise KServe would give each release its own host name on the ingress. */
const clusterLocal = { 'networking.kserve.io/visibility': 'cluster-local' };

/**
 * KServe forms the host name `NAME-predictor-NAMESPACE` and refuses more than 63 characters. A long name keeps a digest
 * that is unique to the release, and loses the end of the readable part.
 */
export function inferenceServiceName(release: Release, namespace: string): string {
  const name = releaseName(release);
  const maximumLength = 63 - `-predictor-${namespace}`.length;
  if (name.length <= maximumLength) return name;
  const unique = digestOfText(name).slice(7, 19);
  return `tl-${release.endpoint.slice(0, Math.max(0, maximumLength - `tl--${unique}`.length))}-${unique}`;
}

/** A release as a KServe predictor. KServe makes a Deployment of it with the same labels and pods as our own. */
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
