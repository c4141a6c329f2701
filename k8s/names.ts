/** What Tuneline writes on its objects. Labels are what a watch selects by; annotations hold whatever does not fit a label. */
export const labels = {
  name: 'app.kubernetes.io/name',
  partOf: 'app.kubernetes.io/part-of',
  managedBy: 'app.kubernetes.io/managed-by',
  component: 'app.kubernetes.io/component',
  /** Present until the outcome was reported. */
  open: 'tuneline.dev/open',
} as const;

export const annotations = {
  specDigest: 'tuneline.dev/spec-digest',
  workflowId: 'tuneline.dev/workflow-id',
  runId: 'tuneline.dev/run-id',
  activityId: 'tuneline.dev/activity-id',
  mlflowRunId: 'tuneline.dev/mlflow-run-id',
  maximumSeconds: 'tuneline.dev/maximum-seconds',
  /** JSON `{"cause", "reason"}`: why we ended it, written before anything is killed. */
  cancelled: 'tuneline.dev/cancelled',
} as const;

export const managedBy = 'tuneline';
export const containerName = 'job';
export const jobVariable = 'TUNELINE_JOB';

/** Set by the Job controller on every pod of a Job. */
export const jobNameLabel = 'batch.kubernetes.io/job-name';

/** Which of the pods of an Indexed Job it is; set by the Job controller. */
export const indexAnnotation = 'batch.kubernetes.io/job-completion-index';
