import type { KubernetesObject, V1Job, V1Pod } from '@kubernetes/client-node';
import { releaseNameOf } from '../domain/names.ts';
import { type Release, releaseId } from '../domain/endpoint/release.ts';

/**
 * Tuneline's own labels and annotations. Watches select by labels. Annotations hold the values that do not fit a label.
 */
export const labels = {
  name: 'app.kubernetes.io/name',
  partOf: 'app.kubernetes.io/part-of',
  managedBy: 'app.kubernetes.io/managed-by',
  component: 'app.kubernetes.io/component',
  /** Present until the outcome is reported. */
  open: 'tuneline.dev/open',
  /** Tuneline's name of the Job, if the Job in the cluster has another name: see `manifests/job-set.ts`. */
  job: 'tuneline.dev/job',
  endpoint: 'tuneline.dev/endpoint',
  /** `releaseId` of the release that a pod serves. */
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
  /** JSON `{"cause", "reason"}` of a cancellation. Written before anything is killed. */
  cancelled: 'tuneline.dev/cancelled',
  /** On a JobSet: the UID of the one Job that it may create. */
  jobUid: 'tuneline.dev/job-uid',
  /** JSON of the release, on its Deployment or InferenceService. */
  release: 'tuneline.dev/release',
  /** JSON of the shares, on the Service or HTTPRoute that clients reach: the only record of an endpoint's traffic. */
  shares: 'tuneline.dev/shares',
  /** `releaseId` of the last release that had all traffic. */
  settled: 'tuneline.dev/settled',
  /** Unique for each write, so that a concurrent reader detects every write. */
  written: 'tuneline.dev/written',
} as const;

export const managedBy = 'tuneline';
export const ourSelector = `${labels.managedBy}=${managedBy}`;
/** Differs from `managedBy`, so that the runner's watch of Jobs does not see releases. */
export const servedBy = 'tuneline-endpoint';
export const containerName = 'job';
export const jobVariable = 'TUNELINE_JOB';

/** Set by the Job controller on every pod of a Job. */
export const jobNameLabel = 'batch.kubernetes.io/job-name';

/** Names the LocalQueue of Kueue that a Job or JobSet waits in. */
export const queueLabel = 'kueue.x-k8s.io/queue-name';

/** Set by JobSet's controller on the Jobs of a JobSet. */
export const jobSetUidLabel = 'jobset.sigs.k8s.io/jobset-uid';

/** The index of a pod in its Indexed Job. Set by the Job controller. */
export const indexAnnotation = 'batch.kubernetes.io/job-completion-index';

/** Tuneline's name of a Job in the cluster. */
export const nameOf = ({ metadata }: V1Job): string | undefined => metadata?.labels?.[labels.job] ?? metadata?.name;

/** Tuneline's name of a pod's Job. */
export const jobOf = ({ metadata }: V1Pod): string | undefined =>
  metadata?.labels?.[labels.job] ?? metadata?.labels?.[jobNameLabel];

/** Tuneline's name of a release, `releaseName`, from its Deployment or InferenceService. */
export const servedNameOf = ({ metadata }: KubernetesObject): string =>
  releaseNameOf(metadata?.labels?.[labels.endpoint] ?? '', metadata?.labels?.[labels.release] ?? '');

/** The labels that select a release's pods. */
export const releaseLabels = (release: Release) => ({
  [labels.endpoint]: release.endpoint,
  [labels.release]: releaseId(release),
});
