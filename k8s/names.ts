import type { KubernetesObject, V1Job, V1Pod } from '@kubernetes/client-node';
import { releaseNameOf } from '../domain/names.ts';
import { type Release, releaseId } from '../domain/endpoint/release.ts';

/** What Tuneline writes on its objects. Labels are what a watch selects by; annotations hold whatever does not fit a label. */
export const labels = {
  name: 'app.kubernetes.io/name',
  partOf: 'app.kubernetes.io/part-of',
  managedBy: 'app.kubernetes.io/managed-by',
  component: 'app.kubernetes.io/component',
  /** Present until the outcome was reported. */
  open: 'tuneline.dev/open',
  /** The Job's name for Tuneline, where the cluster's Job had to be called otherwise: see `manifests/job-set.ts`. */
  job: 'tuneline.dev/job',
  endpoint: 'tuneline.dev/endpoint',
  /** `releaseId` of what a pod serves. */
  release: 'tuneline.dev/release',
} as const;

export const annotations = {
  specDigest: 'tuneline.dev/spec-digest',
  workflowId: 'tuneline.dev/workflow-id',
  runId: 'tuneline.dev/run-id',
  activityId: 'tuneline.dev/activity-id',
  mlflowRunId: 'tuneline.dev/mlflow-run-id',
  maximumSeconds: 'tuneline.dev/maximum-seconds',
  /** JSON of a `JobTrace`. */
  trace: 'tuneline.dev/trace',
  /** JSON `{"cause", "reason"}`: why we ended it, written before anything is killed. */
  cancelled: 'tuneline.dev/cancelled',
  /** On a JobSet, the UID of the one Job that it may make. */
  jobUid: 'tuneline.dev/job-uid',
  /** JSON of the release, on what serves it. */
  release: 'tuneline.dev/release',
  /** JSON of the shares, on what clients reach: the only record of an endpoint's traffic. */
  shares: 'tuneline.dev/shares',
  /** `releaseId` of what had all traffic last. */
  settled: 'tuneline.dev/settled',
  /** Another at each write, so that none goes unnoticed by who read before. */
  written: 'tuneline.dev/written',
} as const;

export const managedBy = 'tuneline';
export const ourSelector = `${labels.managedBy}=${managedBy}`;
/** Apart from those of Jobs, which the runner watches by that label. */
export const servedBy = 'tuneline-endpoint';
export const containerName = 'job';
export const jobVariable = 'TUNELINE_JOB';

/** Set by the Job controller on every pod of a Job. */
export const jobNameLabel = 'batch.kubernetes.io/job-name';

/** Names the LocalQueue of Kueue that a Job or JobSet waits in. */
export const queueLabel = 'kueue.x-k8s.io/queue-name';

/** Set by JobSet's controller on the Jobs of a JobSet. */
export const jobSetUidLabel = 'jobset.sigs.k8s.io/jobset-uid';

/** Which of the pods of an Indexed Job it is; set by the Job controller. */
export const indexAnnotation = 'batch.kubernetes.io/job-completion-index';

/** What Tuneline calls a Job that it finds in the cluster. */
export const nameOf = ({ metadata }: V1Job): string | undefined => metadata?.labels?.[labels.job] ?? metadata?.name;

/** What Tuneline calls the Job of a pod. */
export const jobOf = ({ metadata }: V1Pod): string | undefined =>
  metadata?.labels?.[labels.job] ?? metadata?.labels?.[jobNameLabel];

/** What Tuneline calls a release whose Deployment, or InferenceService, it finds in the cluster: `releaseName`. */
export const servedNameOf = ({ metadata }: KubernetesObject): string =>
  releaseNameOf(metadata?.labels?.[labels.endpoint] ?? '', metadata?.labels?.[labels.release] ?? '');

/** What its pods are selected by. */
export const releaseLabels = (release: Release) => ({
  [labels.endpoint]: release.endpoint,
  [labels.release]: releaseId(release),
});
